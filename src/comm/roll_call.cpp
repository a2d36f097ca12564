// SPDX-License-Identifier: Apache-2.0
#include "comm/roll_call.hpp"

#include <algorithm>
#include <utility>

#include "siren/error.hpp"

namespace siren::inline comm {

std::mutex RollCall::innermost_mutex;
RollCall* RollCall::innermost = nullptr;

RollCall::RollCall(const Communicator& comm, int first)
    : comm_(comm.split(0, comm.rank())),
      first_(first),
      waits_(static_cast<std::size_t>(comm.size()), 0) {
  const std::lock_guard lock(innermost_mutex);
  outer_ = std::exchange(innermost, this);
  heartbeat().set_listener(this);
}

RollCall::~RollCall() {
  {
    const std::lock_guard lock(innermost_mutex);
    innermost = outer_;
    heartbeat().set_listener(outer_);
  }
  for (MPI_Request& request : words_sent_) MPI_Request_free(&request);
}

void RollCall::on_call(Heartbeat::Call call, bool waiting) {
  if (call == Heartbeat::Call::kEndJob) comm_.abort(static_cast<int>(ExitCode::kFailure));
  if (outer_ != nullptr) outer_->on_call(call, false);
  if (comm_.size() == 1) return;
  if (!waiting || heartbeat().beats() != beats_) forget_answers();
  const bool somebody_asks = listen(waiting);
  if (!waiting) return;
  if (!asked_ && (call == Heartbeat::Call::kAskOthers || somebody_asks)) ask();
  std::vector<int> silent;
  bool is_first = true;
  for (int rank = 0; rank < comm_.size(); ++rank) {
    const bool waits = waits_[static_cast<std::size_t>(rank)] != 0;
    if (rank != comm_.rank() && !waits) silent.push_back(rank);
    if (rank < comm_.rank() && waits) is_first = false;
  }
  silent_.set(asked_ ? silent : std::vector<int>{});
  is_first_.store(is_first, std::memory_order_relaxed);
}

std::optional<RollCall::News> RollCall::news() {
  const std::lock_guard lock(innermost_mutex);
  if (innermost == nullptr) return std::nullopt;
  const int first = innermost->first_;
  const auto in_job = [first](RankList::Copy ranks) {
    for (int& rank : ranks.first) rank += first;
    return ranks;
  };
  return News{first + innermost->comm_.rank(), innermost->comm_.size(),
              in_job(innermost->silent_.read()), in_job(heartbeat().waiting_for()),
              innermost->is_first_.load(std::memory_order_relaxed)};
}

void RollCall::forget_answers() {
  std::fill(waits_.begin(), waits_.end(), 0);
  asked_ = false;
  beats_ = heartbeat().beats();
  silent_.set({});
  is_first_.store(true, std::memory_order_relaxed);
}

bool RollCall::listen(bool waiting) {
  bool somebody_asks = false;
  for (;;) {
    int there = 0;
    MPI_Status status;
    MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, comm_.get(), &there, &status);
    if (there == 0) return somebody_asks;
    MPI_Recv(nullptr, 0, MPI_BYTE, status.MPI_SOURCE, status.MPI_TAG, comm_.get(),
             MPI_STATUS_IGNORE);
    if (status.MPI_TAG == kWorking) {
      heartbeat().note_life();
    } else if (waiting) {
      somebody_asks = true;
      waits_[static_cast<std::size_t>(status.MPI_SOURCE)] = 1;
    } else {
      tell(status.MPI_SOURCE, kWorking);
    }
  }
}

void RollCall::ask() {
  asked_ = true;
  for (int rank = 0; rank < comm_.size(); ++rank)
    if (rank != comm_.rank()) tell(rank, kWaiting);
}

/// Failures are left to the operation for which this rank waits.
void RollCall::tell(int rank, Word word) {
  MPI_Request request = MPI_REQUEST_NULL;
  MPI_Isend(nullptr, 0, MPI_BYTE, rank, word, comm_.get(), &request);
  int done = 0;
  MPI_Test(&request, &done, MPI_STATUS_IGNORE);
  if (done == 0) words_sent_.push_back(request);
}

}  // namespace siren::inline comm
