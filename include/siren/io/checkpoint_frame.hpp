// SPDX-License-Identifier: Apache-2.0
// The file of a checkpoint as one rank makes it, before the ranks together write rows into it:
// attributes, replicated tensors, and tables and ids whose contents are still undefined.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "siren/io/checkpoint.hpp"
#include "siren/io/checkpoint_layout.hpp"
#include "siren/io/id_arrays.hpp"
#include "siren/io/row_dataset.hpp"

namespace siren::inline io {

/// Where the sides of HeldIds go.
inline constexpr std::array<IdArrays, 2> kIdArrays = {layout::kCheckpointUserIds,
                                                      layout::kCheckpointItemIds};

/// How the rows of `tensor` are stored.
RowStorage storage_of(const StateTensor& tensor,
                      const CheckpointContents& contents,
                      const CheckpointOptions& options);

/// Replaces the file at `path`, which must be there. Where the file system can, all the space that the file may need is
/// reserved, so that a full disk is found out here (EnvironmentError) and not by one rank in the
/// middle of a common transfer; beyond the end of the file if compressed.
void create_checkpoint_frame(const std::string& path,
                             const CheckpointContents& contents,
                             const CheckpointOptions& options);

}  // namespace siren::inline io
