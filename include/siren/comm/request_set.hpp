// SPDX-License-Identifier: Apache-2.0
// A group of nonblocking operations that are waited for together.
#pragma once

#include <vector>

#include <mpi.h>

namespace siren {

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

  void add(MPI_Request request) { requests_.push_back(request); }
  bool empty() const { return requests_.empty(); }

  /// Gives MPI a chance to move data; true when every operation has completed. Cheap enough to call
  /// between the tiles of a product: MPI makes no progress of its own between calls.
  bool test_all();

  /// Blocks until every operation has completed; the set is empty afterwards.
  void wait_all();

 private:
  void complete() noexcept;

  std::vector<MPI_Request> requests_;
};

}  // namespace siren
