// SPDX-License-Identifier: Apache-2.0
#include "siren/request_set.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include "core/heartbeat.hpp"
#include "siren/communicator.hpp"

namespace siren::inline comm {

RequestSet::~RequestSet() {
  complete();
}

RequestSet& RequestSet::operator=(RequestSet&& other) noexcept {
  if (this == &other) return *this;
  complete();
  requests_ = std::exchange(other.requests_, {});
  peers_ = std::exchange(other.peers_, {});
  operation_ = other.operation_;
  told_ = std::exchange(other.told_, false);
  return *this;
}

void RequestSet::complete() noexcept {
  if (!requests_.empty() && std::uncaught_exceptions() == 0) wait_all();
}

void RequestSet::add(MPI_Request request, const char* operation, int peer) {
  requests_.push_back(request);
  peers_.push_back(peer);
  operation_ = operation;
}

bool RequestSet::test_all() {
  if (requests_.empty()) return true;
  int done = 0;
  check_mpi(MPI_Testall(mpi_count(static_cast<std::int64_t>(requests_.size())), requests_.data(),
                        &done, MPI_STATUSES_IGNORE),
            operation_);
  if (done == 0) return false;
  requests_.clear();
  peers_.clear();
  heartbeat().beat();
  return true;
}

/// Polling moves data and yields the processor just like MPI_Waitall, which would not return before
/// a dead peer answers.
void RequestSet::wait_all() {
  while (!wait_briefly()) {
  }
}

bool RequestSet::wait_briefly() {
  if (test_all()) {
    if (std::exchange(told_, false)) heartbeat().end_waiting();
    return true;
  }
  if (heartbeat().is_called() && tell_who_is_missing()) {
    told_ = true;
    heartbeat().answer_call(true);
  }
  return false;
}

bool RequestSet::tell_who_is_missing() {
  int done = 0;
  std::vector<int> places(requests_.size());
  check_mpi(MPI_Testsome(mpi_count(static_cast<std::int64_t>(requests_.size())), requests_.data(),
                         &done, places.data(), MPI_STATUSES_IGNORE),
            operation_);
  if (done > 0) {
    heartbeat().note_life();
    std::size_t kept = 0;
    for (std::size_t i = 0; i < requests_.size(); ++i) {
      if (requests_[i] == MPI_REQUEST_NULL) continue;
      requests_[kept] = requests_[i];
      peers_[kept++] = peers_[i];
    }
    requests_.resize(kept);
    peers_.resize(kept);
  }
  if (requests_.empty()) return false;
  std::vector<int> missing = peers_;
  std::sort(missing.begin(), missing.end());
  missing.erase(std::unique(missing.begin(), missing.end()), missing.end());
  if (!missing.empty() && missing.front() == kEveryRank) missing.clear();
  heartbeat().set_waiting(operation_, missing);
  return true;
}

}  // namespace siren::inline comm
