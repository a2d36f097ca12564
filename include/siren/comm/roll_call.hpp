// SPDX-License-Identifier: Apache-2.0
// Tells a rank that works for long from one that is stuck or dead, without help of its own.
//
// A rank that has waited long asks all others. A rank at work answers at its next sign of life that
// it works, which counts as a sign of life for those who wait: nobody is ended for another's long
// work. A rank that waits, too, answers so, and thereby asks on its part. Who answers nothing is
// stuck, dead, or deaf in a blocking call of a library. Words are empty messages; nothing is sent
// unless a rank waits long.
#pragma once

#include <atomic>
#include <vector>

#include "siren/comm/communicator.hpp"
#include "siren/core/heartbeat.hpp"

namespace siren {

class RollCall final : public Heartbeat::Listener {
 public:
  /// Collective.
  explicit RollCall(const Communicator& comm);
  ~RollCall() override;
  RollCall(const RollCall&) = delete;
  RollCall& operator=(const RollCall&) = delete;

  /// Main thread.
  void on_call(Heartbeat::Call call, bool waiting) override;

  // ---- any thread
  int rank() const { return comm_.rank(); }
  /// Ranks from which nothing was heard since this rank began to wait and asked; nobody if it did
  /// not ask.
  RankList::Copy silent() const { return silent_.read(); }
  /// True if no lower rank is known to wait as well: one of them is enough to speak.
  bool is_first() const { return is_first_.load(std::memory_order_relaxed); }

 private:
  enum Word : int { kWaiting = 1, kWorking = 2 };  // as MPI tags

  /// Returns true if a rank asked.
  bool listen(bool waiting);
  void tell(int rank, Word word);
  void ask();
  void forget_answers();

  Communicator comm_;
  std::vector<char> waits_;              // [ranks] those that said they wait
  bool asked_ = false;                   // since the last sign of life
  std::uint64_t beats_ = 0;              // at that time
  std::vector<MPI_Request> words_sent_;  // not yet complete
  RankList silent_;
  std::atomic<bool> is_first_{true};
};

}  // namespace siren
