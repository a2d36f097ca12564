// SPDX-License-Identifier: Apache-2.0
// `latest` and `best` in a directory of checkpoints: text files of one line, the name of a checkpoint
// beside them, so that no way of copying a directory can break them. Also understood are what stood
// there before: a symbolic link to the checkpoint, and what copies make of such a link (a copy of the
// checkpoint, or nothing).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace siren::inline io {

/// "step-000000132.h5".
std::string checkpoint_name(std::int64_t step);
/// Nothing if it is no such name.
std::optional<std::int64_t> step_of_checkpoint(const std::string& name);
/// Of all checkpoints in a directory, newest first; none if it cannot be read.
std::vector<std::int64_t> checkpoint_steps_in(const std::string& directory);

/// Makes or replaces the pointer DIRECTORY/NAME, on disk when the call returns.
void write_pointer(const std::string& directory, const std::string& name, std::int64_t step);

/// The step that DIRECTORY/NAME points to, if its checkpoint is there.
std::optional<std::int64_t> follow_pointer(const std::string& directory, const std::string& name);

/// True for paths that end in `latest` or `best`.
bool is_pointer_name(const std::string& path);
/// True if such a path is at most a pointer: it holds a line, or nothing is there any more.
bool is_pointer(const std::string& path);

}  // namespace siren::inline io
