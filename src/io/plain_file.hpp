// SPDX-License-Identifier: Apache-2.0
// A file as bytes, read at any place by several ranks or before HDF5 may see it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "io/hdf5_file.hpp"

namespace siren::inline io {

// Whether an open file may have been written to by others since.

struct FileState {
  std::int64_t bytes = 0;
  std::int64_t written = 0;  // nanoseconds of Unix time
  friend bool operator==(const FileState&, const FileState&) = default;
};

/// Of a file that one process has opened on its own. EnvironmentError if it cannot be found out.
FileState state_of(const Hdf5File& file);

/// A name of the open file, whatever has become of the one it was opened by.
std::string path_of_open(const Hdf5File& file);

/// Open until the end of its scope. Failing calls are EnvironmentErrors that name the file.
class PlainFile {
 public:
  enum class Mode { kRead, kReadWrite, kWrite };  // kWrite makes or empties the file

  /// InputError if it cannot be read, or is a directory, pipe or device: who would wait for the end
  /// of /dev/zero, or for somebody to write into a pipe?
  explicit PlainFile(const std::string& path, Mode mode = Mode::kRead);
  ~PlainFile();
  PlainFile(const PlainFile&) = delete;
  PlainFile& operator=(const PlainFile&) = delete;

  std::int64_t length() const;

  /// Up to `count` bytes at `offset`; fewer only at the end of the file.
  std::size_t read(void* to, std::size_t count, std::int64_t offset) const;
  void write(const void* from, std::size_t count, std::int64_t offset) const;

 private:
  [[noreturn]] void fail(const char* doing) const;

  std::string path_;
  int file_;
};

/// InputError if there is something at `path` that is not an ordinary file.
void require_ordinary(const std::string& path);

/// The whole of a file of at most `most` bytes. InputError if it cannot be opened or is larger.
std::string read_small_file(const std::string& path, std::int64_t most);

/// Makes the first `bytes` of a file take their space on disk now, where the file system can do
/// that. EnvironmentError if there is no room.
void reserve_space(const std::string& path, std::int64_t bytes);
/// The same for a file that keeps its length: some of them may lie behind its end.
void reserve_space_behind(const std::string& path, std::int64_t bytes);
void give_back_space_behind(const std::string& path);

}  // namespace siren::inline io
