// SPDX-License-Identifier: Apache-2.0
// The job is never ended here: what would end it is noted instead. A hang lasts until it was
// noticed, however slow the machine is.
#include "comm/watchdog.hpp"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/heartbeat.hpp"
#include "core/timer.hpp"
#include "siren/environment.hpp"

namespace siren {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr double kShort = 0.3;    // seconds until a hang is one
constexpr double kPatient = 2.0;  // more than a busy machine delays a thread
constexpr double kNever = 1e6;

void nap() {
  std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

/// A folder where any thread of any rank may say that it noticed a hang, without MPI.
class Board {
 public:
  explicit Board(const Communicator& comm) : comm_(comm) {
    std::int64_t number = ::getpid();
    comm.broadcast(std::span(&number, 1));
    path_ = std::filesystem::temp_directory_path() / fmt::format("siren-watchdog-{}", number);
    if (comm.is_root()) std::filesystem::create_directory(path_);
    comm.barrier();
  }
  ~Board() {
    comm_.barrier();
    if (comm_.is_root()) std::filesystem::remove_all(path_);
  }
  void post() const { std::ofstream(path_ / std::to_string(comm_.rank())).put('x'); }
  bool has(int rank) const { return std::filesystem::exists(path_ / std::to_string(rank)); }

 private:
  Communicator comm_;
  std::filesystem::path path_;
};

/// What main() has around a command.
class Watched {
 public:
  Watched(const Communicator& comm, double timeout, Watchdog::OnHang on_hang, int first = 0)
      : roll_call_(comm, first), timeout_(timeout), watchdog_(std::move(on_hang)) {}

 private:
  struct Timeout {
    explicit Timeout(double seconds) { heartbeat().set_timeout(seconds); }
    ~Timeout() { heartbeat().set_timeout(kHangTimeout); }
    Timeout(const Timeout&) = delete;
    Timeout& operator=(const Timeout&) = delete;
  };
  RollCall roll_call_;
  Timeout timeout_;
  Watchdog watchdog_;
};

class WatchdogTest : public testing::Test {
 protected:
  Watchdog::OnHang note() {
    return [this](const std::string& line) {
      line_ = line;
      board_.post();
    };
  }
  /// Until ranks [0, ranks) have noticed the hang.
  template <class Doing>
  void until_noticed(int ranks, const Doing& doing) const {
    for (int rank = 0; rank < ranks; ++rank)
      while (!board_.has(rank)) doing();
  }

  Communicator comm_ = Communicator::world();
  int last_ = comm_.size() - 1;
  Board board_{comm_};
  std::string line_;  // to be read when the watchdog is gone
};

TEST_F(WatchdogTest, NamesItsRankStepAndOperation) {
  if (comm_.size() == 1) GTEST_SKIP() << "nobody is kept waiting";
  const Activity activity("test");
  heartbeat().set_step(57);
  {
    const Watched watched(comm_, kShort, note());
    heartbeat().set_operation("sleep");
    until_noticed(comm_.size(), nap);
  }
  heartbeat().set_step(0);
  EXPECT_EQ(line_, fmt::format("siren: rank {}: no progress for 0.3 s at step 57 in test (sleep); "
                               "ending the job (--hang-timeout)\n",
                               comm_.rank()));
}

TEST_F(WatchdogTest, WhoWaitsForAMessageNamesTheRankThatIsStuck) {
  if (comm_.size() == 1) GTEST_SKIP() << "nobody to wait for";
  std::vector<std::int32_t> word(1);
  const ElementType type(sizeof(std::int32_t));
  {
    const Watched watched(comm_, kShort, note());
    RequestSet set;
    if (comm_.rank() == last_) {
      until_noticed(last_, nap);
      for (int rank = 0; rank < last_; ++rank)
        comm_.start_send(set, word.data(), 1, type, rank, Tag::kFold);
    } else {
      comm_.start_receive(set, word.data(), 1, type, last_, Tag::kFold);
    }
    set.wait_all();
  }
  if (comm_.rank() == last_) return;
  EXPECT_THAT(line_, StartsWith(fmt::format("siren: rank {}: no progress for 0.3 s in fold, "
                                            "waiting for rank {}, which does not answer;",
                                            comm_.rank(), last_)));
}

TEST_F(WatchdogTest, WhoWaitsInACollectiveNamesTheRankThatIsStuck) {
  if (comm_.size() == 1) GTEST_SKIP() << "nobody to wait for";
  {
    const Watched watched(comm_, kShort, note());
    if (comm_.rank() == last_) until_noticed(last_, nap);
    comm_.barrier();
  }
  if (comm_.rank() == last_) return;
  EXPECT_THAT(line_, HasSubstr(fmt::format(
                         "in barrier, waiting for rank {}, which does not answer;", last_)));
}

/// Each rank waits for the next one.
TEST_F(WatchdogTest, TellsTheRankWaitedForFromTheOneThatIsStuck) {
  if (comm_.size() < 3) GTEST_SKIP() << "takes three ranks";
  std::vector<std::int32_t> word(1);
  const ElementType type(sizeof(std::int32_t));
  {
    const Watched watched(comm_, kShort, note());
    RequestSet set;
    if (comm_.rank() == last_)
      until_noticed(last_, nap);
    else
      comm_.start_receive(set, word.data(), 1, type, comm_.rank() + 1, Tag::kExpand);
    set.wait_all();
    if (comm_.rank() > 0)
      comm_.start_send(set, word.data(), 1, type, comm_.rank() - 1, Tag::kExpand);
    set.wait_all();
  }
  if (!comm_.is_root()) return;
  EXPECT_THAT(line_, HasSubstr(fmt::format("waiting for rank 1; rank {} does not answer;", last_)));
}

TEST_F(WatchdogTest, ADeadlockNamesWhomEachRankWaitsFor) {
  if (comm_.size() == 1) GTEST_SKIP() << "nobody to wait for";
  const int previous = (comm_.rank() + last_) % comm_.size();
  const int missing[] = {previous};
  {
    const Watched watched(comm_, kShort, note());
    until_noticed(comm_.size(), [&] {  // like wait_all() for what nobody has sent
      heartbeat().set_waiting(name_of(Tag::kTile), missing);
      heartbeat().answer_call(true);
      nap();
    });
    heartbeat().end_waiting();
  }
  EXPECT_THAT(
      line_, HasSubstr(fmt::format("in rotation of items, waiting for rank {}; ending", previous)));
}

TEST_F(WatchdogTest, NobodyIsEndedForTheLongWorkOfAnother) {
  const Stopwatch watch;
  {
    const Watched watched(comm_, kPatient, note());
    while (comm_.rank() == last_ && watch.seconds() < 1.5 * kPatient) {
      heartbeat().beat();
      nap();
    }
    comm_.barrier();
  }
  EXPECT_EQ(line_, "");
}

TEST_F(WatchdogTest, WhoKeepsNobodyWaitingMayBeSilent) {
  const Communicator alone = comm_.split(comm_.rank(), 0);
  {
    const Watched watched(alone, kShort, note(), comm_.rank());
    std::this_thread::sleep_for(std::chrono::duration<double>(3 * kShort));
  }
  EXPECT_EQ(line_, "");
}

TEST_F(WatchdogTest, ALongCallMayBeSilentForLonger) {
  {
    const Watched watched(comm_, kShort, note());
    const LongCall call("METIS");
    std::this_thread::sleep_for(std::chrono::duration<double>(3 * kShort));
  }
  EXPECT_EQ(line_, "");
  EXPECT_EQ(heartbeat().timeout(), kHangTimeout);
}

TEST_F(WatchdogTest, ATimeoutHoldsAsSoonAsItIsSet) {
  if (comm_.size() == 1) GTEST_SKIP() << "nobody is kept waiting";
  {
    const Watched watched(comm_, 0.0, note());
    heartbeat().set_timeout(kShort);
    until_noticed(comm_.size(), nap);
  }
  EXPECT_THAT(line_, HasSubstr("no progress for 0.3 s"));
}

TEST_F(WatchdogTest, BeforeMpiTheProcessIsNamed) {
  const bool launched = !rank_by_launcher().empty();
  heartbeat().set_timeout(kShort);
  {
    const Watchdog watchdog(note());
    const BlockingCall call("MPI_Init_thread");
    until_noticed(comm_.size(), nap);
  }
  heartbeat().set_timeout(kHangTimeout);
  EXPECT_THAT(line_, StartsWith(launched ? fmt::format("siren: rank {}, process {} on ",
                                                       comm_.rank(), ::getpid())
                                         : fmt::format("siren: process {} on ", ::getpid())));
  EXPECT_THAT(line_, HasSubstr(": no progress for 0.3 s in MPI_Init_thread, waiting for the other "
                               "ranks; ending the job (--hang-timeout)\n"));
}

TEST_F(WatchdogTest, BehindTheWorkItSaysThatAllIsDone) {
  constexpr int kNotDone = -1;
  heartbeat().set_timeout(kShort);
  {
    const Watchdog watchdog(note());
    Watchdog::work_is_done(0);
    const BlockingCall call("MPI_Finalize");
    until_noticed(comm_.size(), nap);
  }
  Watchdog::work_is_done(kNotDone);
  heartbeat().set_timeout(kHangTimeout);
  EXPECT_THAT(line_, HasSubstr("in MPI_Finalize, waiting for the other ranks; all work was done, "
                               "ending what is left of the job"));
}

/// Rank 0 has nothing to do, the others go on as a group.
TEST_F(WatchdogTest, NobodyIsEndedForTheLongWorkOfAGroup) {
  if (comm_.size() < 3) GTEST_SKIP() << "takes three ranks";
  const Communicator group = comm_.split(comm_.is_root() ? 0 : 1, comm_.rank());
  const Stopwatch watch;
  {
    const Watched watched(comm_, kPatient, note());
    if (!comm_.is_root()) {
      const RollCall roll_call(group, 1);
      while (comm_.rank() == last_ && watch.seconds() < 1.5 * kPatient) {
        heartbeat().beat();
        nap();
      }
      group.barrier();
    }
    comm_.barrier();
  }
  EXPECT_EQ(line_, "");
}

TEST_F(WatchdogTest, RanksOfAGroupAreNamedAsInTheJob) {
  if (comm_.size() < 3) GTEST_SKIP() << "takes three ranks";
  const Communicator group = comm_.split(comm_.is_root() ? 0 : 1, comm_.rank());
  {
    const Watched watched(group, kShort, note(), comm_.is_root() ? 0 : 1);
    while (comm_.rank() == last_ && !board_.has(1)) nap();
    group.barrier();
  }
  if (comm_.rank() != 1) return;
  EXPECT_THAT(line_,
              StartsWith(fmt::format("siren: rank 1: no progress for 0.3 s in barrier, waiting "
                                     "for rank {}, which does not answer;",
                                     last_)));
}

TEST_F(WatchdogTest, GoesWithoutDelayAndLeavesTheHeartbeatAlone) {
  {
    const Watched watched(comm_, kNever, note());
    comm_.barrier();
  }
  heartbeat().call(Heartbeat::Call::kEndJob);  // would, if somebody still listened
  heartbeat().beat();
  EXPECT_EQ(line_, "");
}

}  // namespace
}  // namespace siren
