// SPDX-License-Identifier: Apache-2.0
// A few users that stand for all: which ones follows from the seed and their numbers alone, so every
// number of ranks and every partition draws the same, and a smaller sample is part of a larger one.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "siren/communicator.hpp"
#include "siren/ids.hpp"

namespace siren::inline ranking {

/// Collective. Keeps `count` of all ranks' `users` (local rows; `owned` [local users] has their
/// global numbers), in their order, and returns how many there were over all ranks. All stay if
/// there are no more.
std::int64_t keep_sample(const Communicator& comm, std::uint32_t seed, std::int64_t count,
                         std::span<const UserId> owned, std::vector<LocalRow>& users);

}  // namespace siren::inline ranking
