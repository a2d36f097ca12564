// SPDX-License-Identifier: Apache-2.0
#include "core/stop_signal.hpp"

#include <csignal>
#include <ctime>

#include <gtest/gtest.h>

#include "siren/error.hpp"

namespace siren {
namespace {

// The handlers and what they note belong to the whole process: every case has one of its own.
using StopSignalDeathTest = ::testing::Test;

void sleep_seconds(double seconds) {
  timespec time{
      static_cast<time_t>(seconds),
      static_cast<long>((seconds - static_cast<double>(static_cast<time_t>(seconds))) * 1e9)};
  while (::nanosleep(&time, &time) != 0) {
  }
}

TEST(StopSignalDeathTest, TheFirstSignalIsNotedAndRepeatsChangeNothing) {
  EXPECT_EXIT(
      {
        note_stop_signals();
        if (stop_signal() != 0) std::exit(1);
        std::raise(SIGUSR1);
        std::raise(SIGTERM);
        std::raise(SIGUSR2);
        std::raise(SIGINT);
        std::raise(SIGINT);
        std::exit(stop_signal() == SIGUSR1 ? 42 : 2);
      },
      ::testing::ExitedWithCode(42), "");
}

TEST(StopSignalDeathTest, ASecondInterruptAfterASecondEndsTheProcess) {
  EXPECT_EXIT(
      {
        note_stop_signals();
        std::raise(SIGINT);
        sleep_seconds(1.05);
        std::raise(SIGINT);
        std::exit(0);
      },
      ::testing::KilledBySignal(SIGINT), "");
}

TEST(StopSignalDeathTest, WorkThatCannotBeResumedThrows) {
  EXPECT_EXIT(
      {
        note_stop_signals();
        throw_if_stopped(kNothingWritten);
        std::raise(SIGTERM);
        try {
          throw_if_stopped(kNothingWritten);
        } catch (const EnvironmentError& error) {
          const std::string text = error.what();
          std::exit(text == "interrupted by SIGTERM; nothing was written" ? 42 : 2);
        }
        std::exit(1);
      },
      ::testing::ExitedWithCode(42), "");
}

TEST(StopSignalDeathTest, AnothersSignalCountsLikeAnOwnOne) {
  EXPECT_EXIT(
      {
        note_stop_signals();
        note_stop(SIGUSR1);
        std::raise(SIGTERM);
        std::exit(stop_signal() == SIGUSR1 ? 42 : 2);
      },
      ::testing::ExitedWithCode(42), "");
}

TEST(StopSignal, NamesSignals) {
  EXPECT_EQ(signal_name(SIGUSR2), "SIGUSR2");
  EXPECT_EQ(signal_name(63), "signal 63");
}

}  // namespace
}  // namespace siren
