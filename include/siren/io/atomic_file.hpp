// SPDX-License-Identifier: Apache-2.0
// A file that appears whole or not at all.
//
//   AtomicFile file("d.h5");
//   write_everything_to(file.temporary());
//   file.publish();
#pragma once

#include <string>

namespace siren {

/// Reserves a temporary name in the directory of `path` by creating an empty file there. The
/// destructor removes the temporary file unless it was published.
class AtomicFile {
 public:
  /// InputError if the place cannot be written, or holds a directory, device or pipe.
  explicit AtomicFile(std::string path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  const std::string& temporary() const { return temporary_; }

  /// Flushes the temporary file to disk, gives it its name (replacing what was there) and flushes
  /// the directory. The file must be closed. EnvironmentError if that fails.
  void publish();

 private:
  std::string path_;
  std::string temporary_;
  bool published_ = false;
};

/// Makes or replaces a file that holds `text`. Fails like AtomicFile.
void write_text_file(const std::string& path, const std::string& text);

/// Waits until the contents of a file, or the entries of a directory, are on disk.
void flush_to_disk(const std::string& path);

}  // namespace siren
