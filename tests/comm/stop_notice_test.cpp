// SPDX-License-Identifier: Apache-2.0
#include "comm/stop_notice.hpp"

#include <csignal>

#include <gtest/gtest.h>

#include "core/stop_signal.hpp"
#include "core/timer.hpp"

namespace siren {
namespace {

constexpr double kPatience = 20.0;  // seconds for a message to arrive on a busy machine

int poll_for_long(StopNotice& notice) {
  const Stopwatch watch;
  int signal = 0;
  while (signal == 0 && watch.seconds() < kPatience) signal = notice.poll();
  return signal;
}

TEST(StopNotice, ReachesEveryOtherRank) {
  const Communicator comm = Communicator::world();
  StopNotice notice(comm);
  EXPECT_EQ(notice.poll(), 0);
  comm.barrier();
  const int sender = comm.size() - 1;
  if (comm.rank() == sender)
    notice.send(SIGUSR1);
  else
    EXPECT_EQ(poll_for_long(notice), SIGUSR1);
  comm.barrier();
  EXPECT_EQ(notice.poll(), 0) << "neither twice nor to the sender";
}

TEST(StopNotice, NobodyNeedsToListen) {
  const Communicator comm = Communicator::world();
  StopNotice notice(comm);
  notice.send(SIGTERM);
  comm.barrier();
}

/// The last, for a signal stays noted.
TEST(StopNotice, ASignalWhileWaitingGoesToThoseWhoWork) {
  const Communicator comm = Communicator::world();
  StopNotice notice(comm);
  const bool works = comm.rank() == comm.size() - 1;
  if (comm.rank() == 0) note_stop(SIGUSR2);
  if (works && comm.size() > 1) {
    EXPECT_EQ(poll_for_long(notice), SIGUSR2) << "told though another rank only waits";
  }
  notice.wait_for_all();
  EXPECT_EQ(notice.poll(), 0) << "nothing is left behind";
  if (!works) {
    EXPECT_EQ(stop_signal(), SIGUSR2);
  }
}

}  // namespace
}  // namespace siren
