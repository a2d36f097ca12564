// SPDX-License-Identifier: Apache-2.0
#include "siren/comm/watchdog.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <poll.h>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include "siren/core/error.hpp"
#include "siren/core/heartbeat.hpp"
#include "siren/core/timer.hpp"

namespace siren {

namespace {

constexpr double kLongestTick = 1.0;  // seconds
constexpr double kTicks = 20.0;       // at least so many in the timeout
constexpr double kGrace = 1.0;        // seconds for a line to be read, or the main thread to act

/// Signals are for the main thread.
void block_signals() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

/// The main thread may be stuck while it holds the lock of stderr, or because nobody reads it.
void write_to_stderr(const std::string& line) {
  pollfd stderr_ready{STDERR_FILENO, POLLOUT, 0};
  if (::poll(&stderr_ready, 1, static_cast<int>(kGrace * 1000)) <= 0) return;
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace

Watchdog::Watchdog(const Communicator& comm, double timeout, OnHang on_hang)
    : timeout_(timeout), on_hang_(std::move(on_hang)) {
  if (timeout <= 0.0) return;
  roll_call_.emplace(comm);
  thread_ = std::thread([this] { watch(); });
}

Watchdog::~Watchdog() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

bool Watchdog::sleep(double seconds) {
  std::unique_lock lock(mutex_);
  return !wake_.wait_for(lock, std::chrono::duration<double>(seconds),
                         [this] { return stopping_; });
}

void Watchdog::watch() {
  block_signals();
  const double tick = std::min(kLongestTick, timeout_ / kTicks);
  std::uint64_t beats = heartbeat().beats();
  double quiet = 0.0;
  Stopwatch since_last_look;
  while (sleep(tick)) {
    const std::uint64_t now = heartbeat().beats();
    const double passed = std::min(since_last_look.seconds(), 2 * tick);  // more: we were stopped
    since_last_look = Stopwatch();
    quiet = now == beats ? quiet + passed : 0.0;
    beats = now;
    if (quiet >= timeout_) break;
    heartbeat().call(quiet < timeout_ / 2 ? Heartbeat::Call::kLookAround
                                          : Heartbeat::Call::kAskOthers);
  }
  if (quiet < timeout_) return;
  const std::string line = describe_hang();
  const bool another_speaks = roll_call_->silent().total > 0 && !roll_call_->is_first();
  if (!another_speaks || sleep(3 * kGrace)) on_hang_(line);  // by then it has ended the job
}

std::string Watchdog::describe_hang() const {
  const RankList::Copy silent = roll_call_->silent();
  const RankList::Copy awaited = heartbeat().waiting_for();
  const char* const verb = silent.total == 1 ? "does" : "do";
  std::string whom;
  if (heartbeat().is_waiting() && silent.total > 0 && (awaited.total == 0 || awaited == silent))
    whom = fmt::format(", waiting for {}, which {} not answer", to_text(silent), verb);
  else if (heartbeat().is_waiting() && silent.total > 0)
    whom =
        fmt::format(", waiting for {}; {} {} not answer", to_text(awaited), to_text(silent), verb);
  else if (heartbeat().is_waiting())
    whom = fmt::format(", waiting for {}",
                       awaited.total > 0 ? to_text(awaited) : std::string("the other ranks"));
  return fmt::format(
      "siren: rank {}: no progress for {:g} s {}{}; ending the job (--hang-timeout)\n",
      roll_call_->rank(), timeout_, heartbeat().describe(), whom);
}

void Watchdog::end_job(const std::string& line) {
  const auto give_time = [] { std::this_thread::sleep_for(std::chrono::duration<double>(kGrace)); };
  write_to_stderr(line);
  give_time();  // for the lines of other ranks
  heartbeat().call(Heartbeat::Call::kEndJob);
  give_time();
  std::_Exit(static_cast<int>(ExitCode::kFailure));
}

}  // namespace siren
