// SPDX-License-Identifier: Apache-2.0
// A plain file that all ranks write together, in windows, and that appears whole or not at all.
//
//   SharedFile file(comm, "ratings.csv");
//   while (...) file.append(pieces);    // each rank's pieces, in rank order
//   file.append_produced(producer);     // what each rank produces, of any length
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
#include <string_view>

#include "io/atomic_file.hpp"
#include "io/producer.hpp"
#include "siren/communicator.hpp"

namespace siren::inline io {

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

  /// Behind everything appended so far: what rank 0 produces, then what rank 1 does, and so on. The
  /// ranks write side by side.
  void append_produced(const Producer& producer);
  /// Lets rank 0 work on the temporary file by other means.
  void on_root(const std::function<void()>& work);
  /// What each rank produces, at its own offset, for files that do not grow from front to back.
  void write_at(std::int64_t offset, const Producer& producer);

  /// What all ranks have written so far is on disk, where every node sees it.
  void flush();

  void publish();

  /// The name until then.
  const std::string& temporary() const { return temporary_; }

  /// Appended so far by all ranks.
  std::int64_t bytes() const { return bytes_; }

 private:
  void together(const std::function<void()>& work);
  void open();
  void write(std::string_view piece, std::int64_t offset) const;
  void close();

  Communicator comm_;
  std::string path_;
  std::string temporary_;
  std::unique_ptr<AtomicFile> whole_;  // rank 0's
  int file_ = -1;
  std::int64_t bytes_ = 0;
};

}  // namespace siren::inline io
