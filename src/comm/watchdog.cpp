// SPDX-License-Identifier: Apache-2.0
#include "comm/watchdog.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <climits>
#include <csignal>
#include <cstdlib>
#include <poll.h>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include "core/heartbeat.hpp"
#include "core/timer.hpp"
#include "siren/environment.hpp"
#include "siren/error.hpp"

namespace siren::inline comm {

namespace {

constexpr double kLongestTick = 1.0;  // seconds
constexpr double kTicks = 20.0;       // at least so many in the timeout
constexpr double kGrace = 1.0;        // seconds for a line to be read, or the main thread to act

constexpr int kAtWork = -1;
std::atomic<int> exit_code{kAtWork};

/// Before MPI_Init and behind MPI_Finalize.
std::string name_without_mpi() {
  std::array<char, HOST_NAME_MAX + 1> host{};
  ::gethostname(host.data(), host.size() - 1);
  const std::string rank = rank_by_launcher();
  return fmt::format("{}process {} on {}", rank.empty() ? "" : fmt::format("rank {}, ", rank),
                     ::getpid(), host.data());
}

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

Watchdog::Watchdog(OnHang on_hang) : on_hang_(std::move(on_hang)) {
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
  std::uint64_t beats = heartbeat().beats();
  double quiet = 0.0;
  double timeout = 0.0;
  for (Stopwatch since_last_look; timeout <= 0.0 || quiet < timeout;) {
    timeout = heartbeat().timeout();
    const double tick = timeout > 0.0 ? std::min(kLongestTick, timeout / kTicks) : kLongestTick;
    if (!sleep(tick)) return;
    const std::uint64_t now = heartbeat().beats();
    const double passed = std::min(since_last_look.seconds(), 2 * tick);  // more: we were stopped
    since_last_look = Stopwatch();
    const std::optional<RollCall::News> news = RollCall::news();
    const bool works_alone = news && news->ranks == 1;
    quiet = now == beats && timeout > 0.0 && !works_alone ? quiet + passed : 0.0;
    beats = now;
    heartbeat().call(2 * quiet <= timeout ? Heartbeat::Call::kLookAround
                                          : Heartbeat::Call::kAskOthers);
  }
  const std::optional<RollCall::News> news = RollCall::news();
  const std::string line = describe_hang(timeout, news);
  const bool another_speaks = news && news->silent.total > 0 && !news->is_first;
  if (!another_speaks || sleep(3 * kGrace)) on_hang_(line);  // by then it has ended the job
}

std::string Watchdog::describe_hang(double timeout, const std::optional<RollCall::News>& news) {
  const RankList::Copy silent = news ? news->silent : RankList::Copy{};
  const RankList::Copy awaited = news ? news->awaited : RankList::Copy{};
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
  const int done = exit_code.load();
  return fmt::format(
      "siren: {}: no progress for {:g} s {}{}; {} (--hang-timeout)\n",
      news ? fmt::format("rank {}", news->rank) : name_without_mpi(), timeout,
      heartbeat().describe(), whom,
      done == kAtWork ? "ending the job" : "all work was done, ending what is left of the job");
}

void Watchdog::end_job(const std::string& line) {
  const auto give_time = [] { std::this_thread::sleep_for(std::chrono::duration<double>(kGrace)); };
  write_to_stderr(line);
  give_time();  // for the lines of other ranks
  const int done = exit_code.load();
  if (done != kAtWork) std::_Exit(done);
  if (!RollCall::news()) std::_Exit(static_cast<int>(ExitCode::kFailure));  // nobody would hear
  heartbeat().call(Heartbeat::Call::kEndJob);
  give_time();
  std::_Exit(static_cast<int>(ExitCode::kFailure));
}

void Watchdog::work_is_done(int code) {
  exit_code.store(code);
}

}  // namespace siren::inline comm
