// SPDX-License-Identifier: Apache-2.0
// Whether an open file may have been written to by others since.
#pragma once

#include <cstdint>
#include <string>

#include "siren/io/hdf5_file.hpp"

namespace siren::inline io {

struct FileState {
  std::int64_t bytes = 0;
  std::int64_t written = 0;  // nanoseconds of Unix time
  friend bool operator==(const FileState&, const FileState&) = default;
};

/// Of a file that one process has opened on its own. EnvironmentError if it cannot be found out.
FileState state_of(const Hdf5File& file);

/// A name of the open file, whatever has become of the one it was opened by.
std::string path_of_open(const Hdf5File& file);

}  // namespace siren::inline io
