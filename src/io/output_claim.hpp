// SPDX-License-Identifier: Apache-2.0
// The right to make one file or directory, which one process has at a time, and the temporary names
// that come with it. What is made here:
//
//   NAME.siren.lock         names its maker (io/lock_file.hpp), and is locked while that one lives
//   NAME.siren-Xy3k9Q.tmp   what NAME will be; any number of them
//
// Whoever has the right knows that no other maker is alive: so it removes what a killed one has
// left, and nothing else. (The lock is a file of its own because HDF5 and MPI-IO lock the files
// they write, and would wait for us.)
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "io/lock_file.hpp"

namespace siren::inline io {

class OutputClaim {
 public:
  /// InputError if another process has the right, naming it, or the place cannot be written;
  /// EnvironmentError if there is no room.
  explicit OutputClaim(std::string path);
  /// Removes the temporary ones that still have their names, and the lock.
  ~OutputClaim();
  OutputClaim(const OutputClaim&) = delete;
  OutputClaim& operator=(const OutputClaim&) = delete;

  const std::string& path() const { return path_; }

  /// Makes an empty file or directory of a name that nothing had, and returns the name. What is there
  /// is never opened or followed.
  std::string make_temporary_file();
  std::string make_temporary_directory();

 private:
  bool take_lock();
  std::string make_temporary(bool directory);
  void remove_dead_lock() const;

  std::string path_;
  std::string lock_path_;
  LockFile lock_;
  std::vector<std::string> temporaries_;
};

/// Removes what killed makers of any output have left in a directory: of names whose lock nobody
/// holds.
void remove_abandoned(const std::string& directory);

/// Removes what makers of outputs have left in a directory without asking whether they live: for the
/// one process that writes there (train/run_lock.hpp). `except`: an output that others may write.
void remove_all_begun(const std::string& directory, std::string_view except);

/// Where a file of this name goes: links are followed, also to what is not there yet.
std::string output_target(const std::string& path);

}  // namespace siren::inline io
