// SPDX-License-Identifier: Apache-2.0
#include "comm/shared_memory.hpp"

#include <algorithm>
#include <cstring>
#include <exception>
#include <numeric>

#include "core/heartbeat.hpp"
#include "siren/communicator.hpp"

namespace siren::inline comm {

std::vector<bool> ranks_on_this_node(MPI_Comm comm) {
  MPI_Comm node = MPI_COMM_NULL;
  check_mpi(MPI_Comm_split_type(comm, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node),
            "MPI_Comm_split_type");
  MPI_Group everyone = MPI_GROUP_NULL;
  MPI_Group neighbours = MPI_GROUP_NULL;
  check_mpi(MPI_Comm_group(comm, &everyone), "MPI_Comm_group");
  check_mpi(MPI_Comm_group(node, &neighbours), "MPI_Comm_group");
  int size = 0;
  check_mpi(MPI_Comm_size(comm, &size), "MPI_Comm_size");
  std::vector<int> ranks(static_cast<std::size_t>(size));
  std::iota(ranks.begin(), ranks.end(), 0);
  std::vector<int> among_neighbours(ranks.size());
  check_mpi(
      MPI_Group_translate_ranks(everyone, size, ranks.data(), neighbours, among_neighbours.data()),
      "MPI_Group_translate_ranks");
  MPI_Group_free(&everyone);
  MPI_Group_free(&neighbours);
  MPI_Comm_free(&node);
  std::vector<bool> here(ranks.size());
  std::transform(among_neighbours.begin(), among_neighbours.end(), here.begin(),
                 [](int rank) { return rank != MPI_UNDEFINED; });
  return here;
}

namespace {

constexpr std::int64_t kCacheLine = 64;

/// MPI aligns to eight bytes only. All ranks map a piece at the same place of a page.
std::byte* aligned(void* piece) {
  const auto address = reinterpret_cast<std::uintptr_t>(piece);
  return static_cast<std::byte*>(piece) + (kCacheLine - address % kCacheLine) % kCacheLine;
}

}  // namespace

SharedMemory::SharedMemory(const Communicator& comm, std::int64_t bytes)
    : node_(comm.split_by_node()) {
  if (!comm.has_mpi()) {
    own_.resize(static_cast<std::size_t>(bytes + kCacheLine));
    pieces_.push_back(aligned(own_.data()));
    return;
  }
  MPI_Info own_pages = MPI_INFO_NULL;  // so that each piece lies in its rank's part of the memory
  check_mpi(MPI_Info_create(&own_pages), "MPI_Info_create");
  check_mpi(MPI_Info_set(own_pages, "alloc_shared_noncontig", "true"), "MPI_Info_set");
  void* mine = nullptr;
  const int code = [&] {
    const BlockingCall call("MPI_Win_allocate_shared");
    return MPI_Win_allocate_shared(bytes + kCacheLine, 1, own_pages, node_.get(), &mine, &window_);
  }();
  MPI_Info_free(&own_pages);
  check_mpi(code, "MPI_Win_allocate_shared (--shared-memory off does without)");
  check_mpi(MPI_Win_set_errhandler(window_, MPI_ERRORS_RETURN), "MPI_Win_set_errhandler");
  check_mpi(MPI_Win_lock_all(MPI_MODE_NOCHECK, window_), "MPI_Win_lock_all");
  std::memset(aligned(mine), 0, static_cast<std::size_t>(bytes));
  sync();
  node_.barrier();  // or zeros would cover what a faster rank has written already
  sync();
  int next = 0;  // ranks of the node ascend in both communicators
  for (int rank = 0; rank < comm.size(); ++rank) {
    std::byte* piece = nullptr;
    if (comm.shares_node(rank)) {
      void* begin = nullptr;
      MPI_Aint size = 0;
      int unit = 0;
      check_mpi(MPI_Win_shared_query(window_, next++, &size, &unit, &begin),
                "MPI_Win_shared_query");
      piece = aligned(begin);
    }
    pieces_.push_back(piece);
  }
}

SharedMemory::~SharedMemory() {
  int finalized = 0;
  MPI_Finalized(&finalized);
  if (window_ == MPI_WIN_NULL || finalized != 0 || std::uncaught_exceptions() > 0) return;
  node_.barrier();  // which answers the watchdog while it waits, as MPI_Win_free would not
  const BlockingCall call("MPI_Win_free");
  MPI_Win_unlock_all(window_);
  MPI_Win_free(&window_);
}

void SharedMemory::sync() const {
  if (window_ != MPI_WIN_NULL) check_mpi(MPI_Win_sync(window_), "MPI_Win_sync");
}

}  // namespace siren::inline comm
