// SPDX-License-Identifier: Apache-2.0
#include "train/run_lock.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>
#include <sys/stat.h>

#include "core/heartbeat.hpp"
#include "core/text.hpp"
#include "io/output_claim.hpp"
#include "siren/error.hpp"

namespace siren::inline train {

namespace {

constexpr double kDefaultHangTimeout = 600.0;
constexpr double kLongestRenewal = 15;  // seconds
constexpr double kRenewals = 8.0;       // at least so many before a lock lapses

double age_of(const LockHolder& holder) {
  return std::max(0.0, static_cast<double>(std::time(nullptr) - holder.since));
}

void sleep_for(double seconds) {
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
}

}  // namespace

RunLock::RunLock(const std::string& directory, std::string option, Rules rules)
    : directory_(directory),
      option_(std::move(option)),
      rules_(rules),
      me_(this_process(
          std::max(kLeastLapse,
                   2.0 * (rules.hang_timeout > 0.0 ? rules.hang_timeout : kDefaultHangTimeout)))),
      text_(to_text(me_)) {
  acquire();
  for (const char* folder : {"", "/checkpoints"})
    remove_all_begun(directory_ + folder, "report.html");  // `siren report` needs no lock
  try {
    thread_ = std::thread([this] { renew(); });
  } catch (const std::system_error& error) {
    release();
    throw EnvironmentError(fmt::format("starting a thread: {}", error.code().message()));
  }
}

RunLock::~RunLock() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
  release();
}

void RunLock::release() const {
  const std::string path = directory_ + "/lock";
  if (lock_text_at(path) == text_) ::unlink(path.c_str());
}

/// Inspects the lock that is there, then tries to replace exactly that one, until either is settled.
void RunLock::acquire() {
  constexpr int kTries = 20;
  for (int tries = 0; tries < kTries; ++tries) {
    taken_over_.clear();
    if (publish(inspect())) return;
    heartbeat().beat();
  }
  throw InputError(fmt::format("{}: others keep starting there; try again", option_));
}

/// The text of the lock that is there, which binds nobody; empty if there is none.
std::string RunLock::inspect() {
  const std::string path = directory_ + "/lock";
  const LockFile there(path, O_RDONLY);  // it may be another user's: the directory decides
  if (!there.is_open() && errno == ENOENT) return {};
  if (!there.is_open())
    throw InputError(fmt::format("{}: cannot read {}: {}", option_, path, std::strerror(errno)));
  if (!there.is_regular())
    throw InputError(fmt::format("{}: {} is no file; remove it", option_, path));
  std::string text = there.text();
  LockHolder unknown;
  unknown.since = me_.since;
  unknown.lapses_after = me_.lapses_after;
  const LockHolder holder = parse_lock(text).value_or(unknown);
  const FileLock file_lock = rules_.file_locks ? there.look() : FileLock::kUnknown;
  const double silent = there.age();
  const std::string reason = why_stale(holder, file_lock, silent, me_);
  if (reason.empty()) refuse(holder, file_lock, silent);
  taken_over_ = fmt::format("takes over {}: {}, which began there {} ago, {}", path,
                            name_of(holder), human_seconds(age_of(holder)), reason);
  return text;
}

void RunLock::refuse(const LockHolder& holder, FileLock file_lock, double silent) const {
  const bool certain = file_lock == FileLock::kTaken && holder.boot == me_.boot;
  const std::string way_out =
      certain ? "stop it or let it end, or choose another directory"
              : fmt::format(
                    "let it end; if it is gone, its lock lapses in {}, or at once when {}/lock "
                    "is removed",
                    human_seconds(std::max(0.0, holder.lapses_after - silent)), directory_);
  throw InputError(
      fmt::format("{}: {} has been at work there for {} (last sign of life {} ago); {}", option_,
                  name_of(holder), human_seconds(age_of(holder)), human_seconds(silent), way_out));
}

/// Makes `lock.new`, which only one start can do at a time, as this process's lock. False if it is
/// another's turn; one that died in its turn is not waited for for long.
bool RunLock::take_turn() {
  constexpr double kPause = 0.02;  // seconds
  constexpr int kPauses = 100;
  const std::string path = directory_ + "/lock.new";
  for (int pauses = 0; pauses < kPauses; ++pauses) {
    LockFile made(path, O_RDWR | O_CREAT | O_EXCL);
    if (made.is_open()) {
      if (rules_.file_locks) made.take();
      // After a power failure an empty file would name nobody and bind everybody.
      if (!made.write(text_) || !made.flush()) {
        const int reason = errno;
        ::unlink(path.c_str());
        throw EnvironmentError(fmt::format("writing {}: {}", path, std::strerror(reason)));
      }
      file_ = std::move(made);
      return true;
    }
    if (errno != EEXIST)
      throw InputError(
          fmt::format("{}: cannot write in {}: {}", option_, directory_, std::strerror(errno)));
    sleep_for(kPause);
  }
  if (::unlink(path.c_str()) != 0 && errno != ENOENT)
    throw InputError(fmt::format("{}: {} is in the way and cannot be removed: {}", option_, path,
                                 std::strerror(errno)));
  return false;
}

/// Puts this process's lock in the place of the one that reads `expected` (empty: of none). Who was
/// overtaken, be it in the middle of a turn, finds another's text in the end, and has not got it.
bool RunLock::publish(const std::string& expected) {
  const std::string path = directory_ + "/lock";
  const std::string turn = directory_ + "/lock.new";
  if (!take_turn()) return false;
  if (lock_text_at(path) != expected || ::rename(turn.c_str(), path.c_str()) != 0)
    ::unlink(turn.c_str());
  if (lock_text_at(path) == text_) return true;
  file_ = LockFile();
  return false;
}

void RunLock::lose(const std::string& reason) {
  lost_ = reason;
  is_lost_.store(true, std::memory_order_release);
}

/// Renews the file, and whether it is still this process's. One that was merely removed is made
/// again, so that the next start is told who is at work.
void RunLock::look() {
  const std::lock_guard lock(mutex_);
  if (is_lost_.load(std::memory_order_relaxed)) return;
  file_.renew();
  const std::string path = directory_ + "/lock";
  const LockFile there(path, O_RDONLY);
  if (there.is_open()) {
    const std::string text = there.text();
    if (text == text_ || text.empty()) return;
    return lose(fmt::format("{}: {} has taken over the directory, so this start ends", option_,
                            name_of(parse_lock(text).value_or(LockHolder{}))));
  }
  if (errno != ENOENT) return;  // perhaps the file system is away for a moment
  struct stat status {};
  if (::stat(directory_.c_str(), &status) != 0 && errno == ENOENT)
    return lose(fmt::format(
        "{}: the directory is not there any more (moved or removed while it was in use); "
        "continue it where it is now with --resume",
        option_));
  LockFile before = std::move(file_);
  try {
    publish("");
  } catch (const std::runtime_error&) {  // another time
  }
  if (!file_.is_open()) file_ = std::move(before);
}

void RunLock::renew() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);  // signals are for the main thread
  const std::chrono::duration<double> pause(
      std::min(kLongestRenewal, me_.lapses_after / kRenewals));
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      if (wake_.wait_for(lock, pause, [this] { return stopping_; })) return;
    }
    look();
  }
}

void RunLock::check_found() const {
  if (is_lost_.load(std::memory_order_acquire)) throw EnvironmentError(lost_);
}

void RunLock::check() {
  look();
  check_found();
}

}  // namespace siren::inline train
