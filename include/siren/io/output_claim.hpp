// SPDX-License-Identifier: Apache-2.0
// The right to make one file or directory, which one process has at a time, and the temporary names
// that come with it. What is made here:
//
//   NAME.siren.lock         locked while its maker lives; says who that is
//   NAME.siren-Xy3k9Q.tmp   what NAME will be; any number of them
//
// Whoever has the right knows that no other maker is alive: so it removes what a killed one has
// left, and nothing else. (The lock is a file of its own because HDF5 and MPI-IO lock the files
// they write, and would wait for us.)
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace siren {

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
  std::optional<bool> open_lock();

  std::string path_;
  std::string lock_path_;
  int lock_ = -1;
  std::vector<std::string> temporaries_;
};

/// Removes what killed makers of any output have left in a directory: of names whose lock nobody
/// holds.
void remove_abandoned(const std::string& directory);

/// Where a file of this name goes: links are followed, also to what is not there yet.
std::string output_target(const std::string& path);

}  // namespace siren
