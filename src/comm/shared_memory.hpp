// SPDX-License-Identifier: Apache-2.0
// Memory that the ranks of a node share: a piece each, which all of them may read and write.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <mpi.h>

#include "siren/communicator.hpp"

namespace siren::inline comm {

// Which ranks are near: messages to them go through memory instead of the network.

/// Collective. [ranks of comm] whether the rank shares this one's memory; true for itself.
std::vector<bool> ranks_on_this_node(MPI_Comm comm);

class SharedMemory {
 public:
  /// Collective. `bytes` for this rank's own piece, zeros; it may be none. EnvironmentError if the
  /// node has no room for it.
  SharedMemory(const Communicator& comm, std::int64_t bytes);
  /// Collective: frees the memory, for which the node's ranks wait for each other. After an
  /// exception, which others may not share, that is left to the end of the program.
  ~SharedMemory();
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;

  /// The piece of a rank of `comm`; null if that rank is on another node. Aligned to a cache line.
  std::byte* of(int rank) const { return pieces_[static_cast<std::size_t>(rank)]; }

  /// Orders this rank's reads and writes before those that follow: call it between writing and
  /// telling another rank (by a message), and between being told and reading.
  void sync() const;

 private:
  Communicator node_;
  MPI_Win window_ = MPI_WIN_NULL;
  std::vector<std::byte> own_;      // without MPI: the one piece
  std::vector<std::byte*> pieces_;  // [ranks]
};

}  // namespace siren::inline comm
