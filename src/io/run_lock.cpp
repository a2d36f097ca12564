// SPDX-License-Identifier: Apache-2.0
#include "siren/io/run_lock.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <fstream>
#include <random>
#include <sstream>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "siren/core/error.hpp"
#include "siren/core/host.hpp"
#include "siren/core/text.hpp"

namespace siren {

namespace {

constexpr const char* kFirstLine = "siren-lock 1";
constexpr double kDefaultHangTimeout = 600.0;
constexpr double kLeastLapse = 2.0;  // seconds: threads of a loaded host come late
constexpr double kMostLapse = 4e9;
constexpr double kLongestRenewal = 15;  // seconds
constexpr double kRenewals = 8.0;       // at least so many before a lock lapses
constexpr std::size_t kMostBytes = 4096;
constexpr mode_t kMode = 0666;

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

/// When a process began, in clock ticks; -1 if there is none.
std::int64_t process_start(std::int64_t pid) {
  const std::string line = first_line(fmt::format("/proc/{}/stat", pid));
  const std::size_t name_end = line.rfind(')');  // names may hold anything
  if (name_end == std::string::npos) return -1;
  std::istringstream fields(line.substr(name_end + 1));
  constexpr int kFieldsBefore = 19;  // from the state to what we want
  std::string skipped;
  for (int field = 0; field < kFieldsBefore; ++field) fields >> skipped;
  std::int64_t ticks = -1;
  return fields >> ticks ? ticks : -1;
}

bool lives(const LockHolder& holder) {
  if (::kill(static_cast<pid_t>(holder.pid), 0) != 0 && errno == ESRCH) return false;
  const std::int64_t start = process_start(holder.pid);
  return start < 0 || start == holder.process_start;
}

std::string link_target(const char* path) {
  std::array<char, 256> text{};
  const ssize_t length = ::readlink(path, text.data(), text.size());
  return length < 0 ? std::string() : std::string(text.data(), static_cast<std::size_t>(length));
}

std::string from_environment(const char* name) {
  const char* const value = std::getenv(name);
  const std::string text = value == nullptr ? "" : value;
  return text.find('\n') == std::string::npos ? text : std::string();
}

std::int64_t now() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

/// A file that is closed at the end of the scope unless somebody keeps it.
class OpenFile {
 public:
  OpenFile(const std::string& path, int flags)
      : file_(::open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, kMode)) {}
  ~OpenFile() {
    if (file_ >= 0) ::close(file_);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  bool is_open() const { return file_ >= 0; }
  int get() const { return file_; }
  int keep() { return std::exchange(file_, -1); }

  void lock() const { ::flock(file_, LOCK_EX | LOCK_NB); }
  /// Those who only look do not stand in each other's way.
  FileLock look_at_lock() const {
    if (::flock(file_, LOCK_SH | LOCK_NB) == 0) return FileLock::kFree;
    return errno == EWOULDBLOCK ? FileLock::kTaken : FileLock::kUnknown;
  }
  std::string text() const {
    std::string text(kMostBytes, '\0');
    const ssize_t got = ::pread(file_, text.data(), text.size(), 0);
    text.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
    return text;
  }
  /// Seconds since the file was written or renewed; none in the future.
  double age() const {
    struct stat status {};
    if (::fstat(file_, &status) != 0) return 0.0;
    timespec time{};
    ::clock_gettime(CLOCK_REALTIME, &time);
    constexpr double kNano = 1e-9;
    return std::max(0.0, static_cast<double>(time.tv_sec - status.st_mtim.tv_sec) +
                             kNano * static_cast<double>(time.tv_nsec - status.st_mtim.tv_nsec));
  }
  bool is_regular() const {
    struct stat status {};
    return ::fstat(file_, &status) == 0 && S_ISREG(status.st_mode);
  }

 private:
  int file_;
};

std::string text_at(const std::string& path) {
  const OpenFile file(path, O_RDONLY);
  return file.is_open() ? file.text() : std::string();
}

/// "pid 4711 on n1 (job 12)".
std::string name_of(const LockHolder& holder) {
  if (holder.pid == 0) return "an unknown process";
  return fmt::format("pid {} on {}{}", holder.pid, holder.host,
                     holder.job.empty() ? "" : fmt::format(" (job {})", holder.job));
}

double age_of(const LockHolder& holder) {
  return std::max(0.0, static_cast<double>(now() - holder.since));
}

void sleep_for(double seconds) {
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
}

}  // namespace

LockHolder this_process(double lapses_after) {
  LockHolder me;
  me.host = host_name();
  me.pid = ::getpid();
  me.since = now();
  me.process_start = process_start(me.pid);
  me.boot = first_line("/proc/sys/kernel/random/boot_id");
  me.pid_space = link_target("/proc/self/ns/pid");
  me.job = from_environment("SLURM_JOB_ID");
  me.restarts = std::atoll(from_environment("SLURM_RESTART_COUNT").c_str());
  me.lapses_after = lapses_after;
  std::random_device random;
  me.token = fmt::format("{:08x}{:08x}", random(), random());
  return me;
}

std::string to_text(const LockHolder& holder) {
  return fmt::format(
      "{}\nhost = {}\npid = {}\nsince = {}\nprocess start = {}\nboot = {}\npid space = {}\n"
      "job = {}\nrestarts = {}\nlapses after = {}\ntoken = {}\n",
      kFirstLine, holder.host, holder.pid, holder.since, holder.process_start, holder.boot,
      holder.pid_space, holder.job, holder.restarts, holder.lapses_after, holder.token);
}

std::optional<LockHolder> parse_lock(const std::string& text) {
  std::istringstream lines(text);
  std::string line;
  if (!std::getline(lines, line) || line != kFirstLine) return std::nullopt;
  LockHolder holder;
  const auto whole = [](const std::string& value) { return std::atoll(value.c_str()); };
  while (std::getline(lines, line)) {
    const std::size_t equals = line.find(" = ");
    if (equals == std::string::npos) continue;
    const std::string key = line.substr(0, equals);
    const std::string value = line.substr(equals + 3);
    if (key == "host") holder.host = value;
    if (key == "pid") holder.pid = whole(value);
    if (key == "since") holder.since = whole(value);
    if (key == "process start") holder.process_start = whole(value);
    if (key == "boot") holder.boot = value;
    if (key == "pid space") holder.pid_space = value;
    if (key == "job") holder.job = value;
    if (key == "restarts") holder.restarts = whole(value);
    if (key == "lapses after") holder.lapses_after = std::strtod(value.c_str(), nullptr);
    if (key == "token") holder.token = value;
  }
  const bool whole_text = !holder.token.empty() && holder.pid > 0 && holder.since >= 0 &&
                          holder.lapses_after >= kLeastLapse && holder.lapses_after <= kMostLapse;
  return whole_text ? std::optional(holder) : std::nullopt;
}

std::string why_stale(const LockHolder& holder,
                      FileLock file_lock,
                      double silent,
                      const LockHolder& me) {
  if (silent > holder.lapses_after)
    return fmt::format("has given no sign of life for {}", human_seconds(silent));
  if (file_lock == FileLock::kTaken) return {};
  const bool same_host = !holder.host.empty() && holder.host == me.host;
  const bool same_kernel = holder.boot == me.boot && (!me.boot.empty() || same_host);
  if (same_kernel && file_lock == FileLock::kFree) return "is gone";
  if (same_kernel && holder.pid_space == me.pid_space && !lives(holder)) return "is gone";
  if (same_host && !same_kernel && !holder.boot.empty() && !me.boot.empty())
    return "is gone: its host was started anew";
  if (!holder.job.empty() && holder.job == me.job && holder.restarts < me.restarts)
    return fmt::format("is gone: job {} was started anew", holder.job);
  return {};
}

RunLock::RunLock(const std::string& directory, std::string option, Rules rules)
    : directory_(directory),
      option_(std::move(option)),
      rules_(rules),
      me_(this_process(
          std::max(kLeastLapse,
                   2.0 * (rules.hang_timeout > 0.0 ? rules.hang_timeout : kDefaultHangTimeout)))),
      text_(to_text(me_)) {
  acquire();
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
  if (text_at(path) == text_) ::unlink(path.c_str());
  ::close(file_);
}

/// Judges the lock that is there, then tries to replace exactly that one, until either is settled.
void RunLock::acquire() {
  constexpr int kTries = 20;
  for (int tries = 0; tries < kTries; ++tries) {
    taken_over_.clear();
    if (publish(judge())) return;
  }
  throw InputError(fmt::format("{}: others keep starting there; try again", option_));
}

/// The text of the lock that is there, which binds nobody; empty if there is none.
std::string RunLock::judge() {
  const std::string path = directory_ + "/lock";
  const OpenFile there(path, O_RDWR);
  if (!there.is_open() && errno == ENOENT) return {};
  if (!there.is_open())
    throw InputError(fmt::format("{}: cannot write {}: {}", option_, path, std::strerror(errno)));
  if (!there.is_regular())
    throw InputError(fmt::format("{}: {} is no file; remove it", option_, path));
  std::string text = there.text();
  LockHolder unknown;
  unknown.since = me_.since;
  unknown.lapses_after = me_.lapses_after;
  const LockHolder holder = parse_lock(text).value_or(unknown);
  const FileLock file_lock = rules_.file_locks ? there.look_at_lock() : FileLock::kUnknown;
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
    OpenFile made(path, O_RDWR | O_CREAT | O_EXCL);
    if (made.is_open()) {
      if (rules_.file_locks) made.lock();
      const auto length = static_cast<ssize_t>(text_.size());
      if (::pwrite(made.get(), text_.data(), text_.size(), 0) != length) {
        const int reason = errno;
        ::unlink(path.c_str());
        throw EnvironmentError(fmt::format("writing {}: {}", path, std::strerror(reason)));
      }
      file_ = made.keep();
      return true;
    }
    if (errno != EEXIST)
      throw InputError(
          fmt::format("{}: cannot write in {}: {}", option_, directory_, std::strerror(errno)));
    sleep_for(kPause);
  }
  ::unlink(path.c_str());
  return false;
}

/// Puts this process's lock in the place of the one that reads `expected` (empty: of none). Who was
/// overtaken, be it in the middle of a turn, finds another's text in the end, and has not got it.
bool RunLock::publish(const std::string& expected) {
  const std::string path = directory_ + "/lock";
  const std::string turn = directory_ + "/lock.new";
  if (!take_turn()) return false;
  if (text_at(path) != expected || ::rename(turn.c_str(), path.c_str()) != 0)
    ::unlink(turn.c_str());
  if (text_at(path) == text_) return true;
  ::close(std::exchange(file_, -1));
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
  ::futimens(file_, nullptr);
  const std::string path = directory_ + "/lock";
  const OpenFile there(path, O_RDONLY);
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
  const int before = std::exchange(file_, -1);
  try {
    publish("");
  } catch (const std::runtime_error&) {  // another time
  }
  if (file_ < 0)
    file_ = before;
  else
    ::close(before);
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

}  // namespace siren
