// SPDX-License-Identifier: Apache-2.0
#include "train/run_lock.hpp"

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <thread>
#include <unistd.h>
#include <vector>

#include <gmock/gmock.h>
#include <sys/wait.h>

#include "support/temp_folder.hpp"

namespace siren {
namespace {

namespace fs = std::filesystem;
using test::input_error;
using test::TempFolder;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr double kLapse = 100.0;

std::string environment_error(const std::function<void()>& work) {
  try {
    work();
  } catch (const EnvironmentError& error) {
    return error.what();
  }
  ADD_FAILURE() << "no EnvironmentError was thrown";
  return {};
}

/// A process that is gone.
pid_t dead_process() {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  ::waitpid(child, nullptr, 0);
  return child;
}

/// Somebody on a host that this one cannot look into.
LockHolder elsewhere() {
  LockHolder holder = this_process(kLapse);
  holder.host = "n17";
  holder.boot = "0b1c";
  holder.pid = 4711;
  holder.job = "12";
  return holder;
}

class RunLocks : public ::testing::Test {
 protected:
  std::unique_ptr<RunLock> take(bool file_locks = true) const {
    return std::make_unique<RunLock>(folder_.path(""), "--run a",
                                     RunLock::Rules{kLapse / 2, file_locks});
  }
  void leave_behind(const LockHolder& holder, double silent = 0.0) const {
    folder_.write("lock", to_text(holder));
    fs::last_write_time(
        folder_.path("lock"),
        fs::file_time_type::clock::now() - std::chrono::duration_cast<fs::file_time_type::duration>(
                                               std::chrono::duration<double>(silent)));
  }

  TempFolder folder_;
};

TEST_F(RunLocks, HoldsOffASecondStartAndGoes) {
  for (const bool file_locks : {true, false}) {
    auto first = take(file_locks);
    EXPECT_THAT(first->taken_over(), IsEmpty());
    const std::string refused = input_error([&] { take(file_locks); });
    EXPECT_THAT(refused, HasSubstr("--run a: pid " + std::to_string(::getpid()) + " on "));
    EXPECT_THAT(refused, HasSubstr("last sign of life"));
    first->check();
    first.reset();
    EXPECT_EQ(folder_.files(), 0U) << "something is left";
    take(file_locks);
  }
}

TEST_F(RunLocks, OfADeadProcessHereIsTakenOverAtOnce) {
  LockHolder dead = this_process(kLapse);
  dead.pid = dead_process();
  for (const bool file_locks : {true, false}) {
    leave_behind(dead);
    EXPECT_THAT(take(file_locks)->taken_over(), HasSubstr("is gone"));
  }
  dead.pid = ::getpid();  // the number is another's now
  dead.process_start -= 1;
  leave_behind(dead);
  EXPECT_THAT(take(false)->taken_over(), HasSubstr("is gone"));
  dead = this_process(kLapse);
  dead.boot = "before";
  leave_behind(dead);
  EXPECT_THAT(take()->taken_over(), HasSubstr("its host was started anew"));
}

TEST_F(RunLocks, OfAnotherContainerIsEvaluatedByItsFileLockOrAge) {
  LockHolder other = this_process(kLapse);
  other.pid = dead_process();
  other.pid_space = "pid:[1]";
  EXPECT_THAT(why_stale(other, FileLock::kUnknown, 1.0, this_process(kLapse)), IsEmpty());
  EXPECT_THAT(why_stale(other, FileLock::kTaken, 1.0, this_process(kLapse)), IsEmpty());
  EXPECT_THAT(why_stale(other, FileLock::kFree, 1.0, this_process(kLapse)), "is gone");
}

TEST_F(RunLocks, OfAnotherHostLapsesWithoutSignsOfLife) {
  for (const bool file_locks : {true, false}) {
    leave_behind(elsewhere(), kLapse - 30.0);
    const std::string refused = input_error([&] { take(file_locks); });
    EXPECT_THAT(refused, HasSubstr("pid 4711 on n17 (job 12)"));
    EXPECT_THAT(refused, HasSubstr("lapses in 30.0 s, or at once when"));
    leave_behind(elsewhere(), kLapse + 1.0);
    EXPECT_THAT(take(file_locks)->taken_over(), HasSubstr("no sign of life for 1 min 41 s"));
  }
}

TEST_F(RunLocks, OfAnEarlierStartOfTheSameJobBindsNobody) {
  LockHolder me = this_process(kLapse);
  me.job = "12";
  me.restarts = 1;
  EXPECT_THAT(why_stale(elsewhere(), FileLock::kFree, 1.0, me), HasSubstr("job 12"));
  me.restarts = 0;
  EXPECT_THAT(why_stale(elsewhere(), FileLock::kFree, 1.0, me), IsEmpty());
}

TEST_F(RunLocks, OfNobodyKnownLapsesToo) {
  folder_.write("lock", "what is this?");
  EXPECT_THAT(input_error([&] { take(); }), HasSubstr("an unknown process"));
  fs::last_write_time(folder_.path("lock"),
                      fs::file_time_type::clock::now() - std::chrono::hours(1));
  take();
  fs::create_directory(folder_.path("lock"));
  EXPECT_THAT(input_error([&] { take(); }), HasSubstr("lock"));
}

TEST_F(RunLocks, OneOfManyStartsGetsIt) {
  constexpr int kStarts = 8;
  for (const bool file_locks : {true, false})
    for (int round = 0; round < 5; ++round) {
      LockHolder dead = this_process(kLapse);
      dead.pid = dead_process();
      if (round > 0) leave_behind(dead);
      if (round > 2) folder_.write("lock.new", "left in the middle of a turn");
      std::vector<std::unique_ptr<RunLock>> held(kStarts);
      std::atomic<int> refused{0};
      std::vector<std::thread> starts;
      for (int start = 0; start < kStarts; ++start)
        starts.emplace_back([&, start] {
          try {
            held[static_cast<std::size_t>(start)] = take(file_locks);
          } catch (const InputError&) {
            ++refused;
          }
        });
      for (std::thread& start : starts) start.join();
      EXPECT_EQ(refused, kStarts - 1);
      for (auto& lock : held)
        if (lock) lock->check();
      held.clear();
      EXPECT_EQ(folder_.files(), 0U);
    }
}

TEST_F(RunLocks, WhoeverWasOvertakenGivesUp) {
  auto first = take();
  leave_behind(elsewhere());
  EXPECT_THAT(environment_error([&] { first->check(); }), HasSubstr("pid 4711 on n17"));
  EXPECT_THAT(environment_error([&] { first->check_found(); }), HasSubstr("has taken over"));
  first.reset();
  EXPECT_TRUE(fs::exists(folder_.path("lock"))) << "it is another's";
}

TEST_F(RunLocks, WhatADeadHolderHadBegunIsRemoved) {
  fs::create_directory(folder_.path("checkpoints"));
  const std::string text = to_text(elsewhere());  // whether it lives cannot be known from here
  for (const char* name : {"config.ini.siren.lock", "report.html.siren.lock",
                           "checkpoints/step-000000005.h5.siren.lock"})
    folder_.write(name, text);
  folder_.write("checkpoints/step-000000005.h5.siren-Xy3k9Q.tmp", "half");
  folder_.write("notes.siren.lock", "mine");
  const auto lock = take();
  EXPECT_FALSE(fs::exists(folder_.path("config.ini.siren.lock")));
  EXPECT_TRUE(fs::is_empty(folder_.path("checkpoints")));
  EXPECT_EQ(folder_.read("report.html.siren.lock"), text) << "`siren report` may be at work";
  EXPECT_EQ(folder_.read("notes.siren.lock"), "mine");
}

TEST_F(RunLocks, WhatStandsInTheWayIsNamed) {
  fs::create_directory(folder_.path("lock.new"));
  EXPECT_THAT(input_error([&] { take(); }), HasSubstr("lock.new is in the way"));
}

TEST_F(RunLocks, IsMadeAgainIfItWasRemoved) {
  auto first = take();
  fs::remove(folder_.path("lock"));
  first->check();
  EXPECT_THAT(input_error([&] { take(); }), HasSubstr("has been at work there"));
}

TEST_F(RunLocks, NoticesThatTheDirectoryWasMoved) {
  fs::create_directory(folder_.path("a"));
  RunLock lock(folder_.path("a"), "--run a", {});
  fs::rename(folder_.path("a"), folder_.path("b"));
  EXPECT_THAT(environment_error([&] { lock.check(); }), HasSubstr("--run a: the directory is not"));
}

TEST_F(RunLocks, IsRenewedByItself) {
  RunLock lock(folder_.path(""), "--run a", {1.0});  // lapses after 2 s
  std::this_thread::sleep_for(std::chrono::milliseconds(2500));
  EXPECT_THAT(input_error([&] { take(false); }), HasSubstr("has been at work there"));
}

}  // namespace
}  // namespace siren
