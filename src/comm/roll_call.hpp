// SPDX-License-Identifier: Apache-2.0
// Tells a rank that works for long from one that is stuck or dead, without help of its own.
//
// A rank that has waited long asks all others. A rank at work answers at its next sign of life that
// it works, which counts as a sign of life for those who wait: nobody is ended for another's long
// work. A rank that waits, too, answers so, and thereby asks on its part. Who answers nothing is
// stuck, dead, or deaf in a blocking call of a library. Words are empty messages; nothing is sent
// unless a rank waits long.
//
// A group of ranks that works for itself has a roll call of its own while it does, inside that of the
// job. Those outside are then told that it works: should it hang, its own watchdogs notice.
#pragma once

#include <atomic>
#include <mutex>
#include <optional>
#include <vector>

#include "core/heartbeat.hpp"
#include "siren/communicator.hpp"

namespace siren::inline comm {

class RollCall final : public Heartbeat::Listener {
 public:
  /// Collective. Until it ends, this is the one that the watchdog hears of. `first` is the rank in
  /// the job of rank 0 of `comm`, whose ranks follow each other there.
  explicit RollCall(const Communicator& comm, int first = 0);
  ~RollCall() override;
  RollCall(const RollCall&) = delete;
  RollCall& operator=(const RollCall&) = delete;

  /// Main thread.
  void on_call(Heartbeat::Call call, bool waiting) override;

  /// What is known, in ranks of the job.
  struct News {
    int rank = 0;
    int ranks = 1;  // of the group
    /// From which nothing was heard since this rank began to wait and asked; nobody if it did not
    /// ask.
    RankList::Copy silent;
    RankList::Copy awaited;
    /// No lower rank is known to wait as well: one of them is enough to speak.
    bool is_first = true;
  };
  /// Any thread. Nothing if there is no roll call, because there is no MPI yet or any more.
  static std::optional<News> news();

 private:
  enum Word : int { kWaiting = 1, kWorking = 2 };  // as MPI tags

  /// Returns true if a rank asked.
  bool listen(bool waiting);
  void tell(int rank, Word word);
  void ask();
  void forget_answers();

  static std::mutex innermost_mutex;
  static RollCall* innermost;

  Communicator comm_;
  int first_;
  RollCall* outer_ = nullptr;
  std::vector<char> waits_;              // [ranks] those that said they wait
  bool asked_ = false;                   // since the last sign of life
  std::uint64_t beats_ = 0;              // at that time
  std::vector<MPI_Request> words_sent_;  // not yet complete
  RankList silent_;
  std::atomic<bool> is_first_{true};
};

}  // namespace siren::inline comm
