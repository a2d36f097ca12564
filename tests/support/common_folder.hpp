// SPDX-License-Identifier: Apache-2.0
// A folder for one test that all ranks know.
#pragma once

#include <memory>
#include <string>

#include "siren/communicator.hpp"
#include "support/temp_folder.hpp"

namespace siren::test {

/// Collective to make and to leave; the folder is rank 0's and disappears with the object.
class CommonFolder {
 public:
  explicit CommonFolder(const Communicator& comm) : comm_(comm) {
    if (comm.is_root()) folder_ = std::make_unique<TempFolder>();
    if (comm.is_root()) path_ = folder_->path("");
    comm.broadcast(path_);
  }
  /// Rank 0 leaves last: it removes the folder.
  ~CommonFolder() { comm_.barrier(); }
  CommonFolder(const CommonFolder&) = delete;
  CommonFolder& operator=(const CommonFolder&) = delete;

  std::string path(const std::string& name) const { return path_ + name; }
  const TempFolder* roots() const { return folder_.get(); }

 private:
  Communicator comm_;
  std::unique_ptr<TempFolder> folder_;
  std::string path_;
};

}  // namespace siren::test
