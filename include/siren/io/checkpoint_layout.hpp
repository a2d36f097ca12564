// SPDX-License-Identifier: Apache-2.0
// The names inside a checkpoint, besides those of its tensors (data/README.md describes each).
#pragma once

#include "siren/io/id_arrays.hpp"

namespace siren::inline io::layout {

inline constexpr const char* kCheckpointVersion = "siren_checkpoint";

inline constexpr IdArrays kCheckpointUserIds = {"ids/users/bytes", "ids/users/offsets"};
inline constexpr IdArrays kCheckpointItemIds = {"ids/items/bytes", "ids/items/offsets"};

}  // namespace siren::inline io::layout
