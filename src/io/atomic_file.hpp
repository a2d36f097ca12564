// SPDX-License-Identifier: Apache-2.0
// Files and directories that appear whole or not at all.
//
//   AtomicFile file("d.h5");
//   write_everything_to(file.temporary());
//   file.publish();
#pragma once

#include <string>

#include "io/output_claim.hpp"

namespace siren::inline io {

/// Whether a name that is a link stands for what it points to, or is itself replaced.
enum class Links { kFollow, kReplace };

/// Keeps the right to make `path` (io/output_claim.hpp) and an empty temporary file beside it. The
/// destructor removes that file unless it was published.
class AtomicFile {
 public:
  /// InputError if the place cannot be written, holds a directory, device or pipe, or is being
  /// written by another process.
  explicit AtomicFile(const std::string& path, Links links = Links::kFollow);

  const std::string& temporary() const { return temporary_; }

  /// Flushes the temporary file to disk, gives it its name (replacing what was there, whose
  /// permissions it has then) and flushes the directory. The file must be closed. EnvironmentError if that fails.
  void publish();

 private:
  OutputClaim claim_;
  std::string temporary_;
};

/// The same for a directory of files, which replaces nothing: InputError if there is anything.
class AtomicDirectory {
 public:
  explicit AtomicDirectory(const std::string& path);

  const std::string& temporary() const { return temporary_; }

  /// The files in it must be flushed.
  void publish();

 private:
  OutputClaim claim_;
  std::string temporary_;
};

/// Makes or replaces a file that holds `text`. Fails like AtomicFile.
void write_text_file(const std::string& path, const std::string& text,
                     Links links = Links::kFollow);

/// Waits until the contents of a file, or the entries of a directory, are on disk.
void flush_to_disk(const std::string& path);

}  // namespace siren::inline io
