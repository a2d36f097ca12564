// SPDX-License-Identifier: Apache-2.0
// A plain file that all ranks write together, in windows, and that appears whole or not at all.
//
//   SharedFile file(comm, "ratings.csv");
//   while (...) file.append(pieces);    // each rank's pieces, in rank order
//   file.publish();
//
// All calls are collective. If one fails on any rank, the temporary file is gone and every rank has
// the same InputError (the place cannot be written) or EnvironmentError (disk full, ...).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "siren/comm/communicator.hpp"
#include "siren/io/atomic_file.hpp"

namespace siren {

class SharedFile {
 public:
  /// The directory of `path` must be the same for all ranks. An earlier file of this name is
  /// replaced at publish(); anything else of this name is an InputError.
  SharedFile(const Communicator& comm, std::string path);
  ~SharedFile();
  SharedFile(const SharedFile&) = delete;
  SharedFile& operator=(const SharedFile&) = delete;

  /// Behind everything appended so far: the pieces of rank 0, then those of rank 1, and so on.
  void append(std::span<const std::string> pieces);

  void publish();

  /// Appended so far by all ranks.
  std::int64_t bytes() const { return bytes_; }

 private:
  void together(const std::function<void()>& work);
  void open();
  void write(const std::string& piece, std::int64_t offset) const;
  void close();

  Communicator comm_;
  std::string path_;
  std::string temporary_;
  std::unique_ptr<AtomicFile> whole_;  // rank 0's
  int file_ = -1;
  std::int64_t bytes_ = 0;
};

}  // namespace siren
