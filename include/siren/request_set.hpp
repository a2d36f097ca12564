// SPDX-License-Identifier: Apache-2.0
// A group of nonblocking operations that are waited for together: the one place where a rank waits
// for others.
#pragma once

#include <vector>

#include <mpi.h>

namespace siren::inline comm {

/// The peer of an operation in which all ranks take part.
inline constexpr int kEveryRank = -1;

/// Move-only. The buffers of the operations belong to the caller and must outlive the set or its
/// next wait_all(). The destructor completes what is still in flight rather than freeing requests
/// whose buffers MPI may still touch; during stack unwinding it leaves them, because the job is
/// about to be aborted and the peer may never answer.
class RequestSet {
 public:
  RequestSet() = default;
  ~RequestSet();
  RequestSet(RequestSet&&) noexcept = default;
  /// Completes what this set still has in flight before it takes over the other's operations.
  RequestSet& operator=(RequestSet&& other) noexcept;

  /// `operation` is a string literal; `peer` is the rank on the other side, or kEveryRank.
  void add(MPI_Request request, const char* operation, int peer);
  bool empty() const { return requests_.empty(); }

  /// Gives MPI a chance to move data; true when every operation has completed. Cheap enough to call
  /// between the tiles of a product: MPI makes no progress of its own between calls.
  bool test_all();

  /// Returns when every operation has completed; the set is empty afterwards. While it lasts long,
  /// the heartbeat tells for which ranks, and this rank answers the watchdog's calls.
  void wait_all();
  /// One look of wait_all(), for loops that do other things while they wait; true at the end.
  bool wait_briefly();

 private:
  void complete() noexcept;
  /// False if it turns out that nobody is.
  bool tell_who_is_missing();

  std::vector<MPI_Request> requests_;
  std::vector<int> peers_;           // of the requests
  const char* operation_ = nullptr;  // the one added last
  bool told_ = false;                // the heartbeat says for whom this set waits
};

}  // namespace siren::inline comm
