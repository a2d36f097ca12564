// SPDX-License-Identifier: Apache-2.0
#include "io/lock_file.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>
#include <system_error>
#include <thread>
#include <unistd.h>

#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "core/host.hpp"
#include "core/settings.hpp"
#include "core/text.hpp"
#include "siren/error.hpp"

namespace siren::inline io {

namespace {

constexpr const char* kFirstLine = "siren-lock 1";
constexpr double kMostLapse = 4e9;
constexpr std::size_t kMostBytes = 4096;
constexpr mode_t kMode = 0666;
constexpr int kTries = 5;  // it is free again as soon as a look at it, or a removal, is over
constexpr auto kBetweenTries = std::chrono::milliseconds(20);

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
  Settings settings;
  settings.add("host", holder.host);
  settings.add("pid", std::to_string(holder.pid));
  settings.add("since", std::to_string(holder.since));
  settings.add("process start", std::to_string(holder.process_start));
  settings.add("boot", holder.boot);
  settings.add("pid space", holder.pid_space);
  settings.add("job", holder.job);
  settings.add("restarts", std::to_string(holder.restarts));
  settings.add("lapses after", fmt::format("{}", holder.lapses_after));
  settings.add("token", holder.token);
  return fmt::format("{}\n{}", kFirstLine, settings.print());
}

std::optional<LockHolder> parse_lock(const std::string& text) {
  const std::string head = fmt::format("{}\n", kFirstLine);
  if (!text.starts_with(head)) return std::nullopt;
  Settings settings;
  try {
    settings = Settings::parse(std::string_view(text).substr(head.size()), "lock");
  } catch (const InputError&) {
    return std::nullopt;
  }
  const auto whole = [&](const char* key) {
    return static_cast<std::int64_t>(std::atoll(settings.value_of(key).c_str()));
  };
  LockHolder holder;
  holder.host = settings.value_of("host");
  holder.pid = whole("pid");
  holder.since = whole("since");
  holder.process_start = whole("process start");
  holder.boot = settings.value_of("boot");
  holder.pid_space = settings.value_of("pid space");
  holder.job = settings.value_of("job");
  holder.restarts = whole("restarts");
  holder.lapses_after = std::strtod(settings.value_of("lapses after").c_str(), nullptr);
  holder.token = settings.value_of("token");
  const bool whole_text = !holder.token.empty() && holder.pid > 0 && holder.since >= 0 &&
                          holder.lapses_after >= kLeastLapse && holder.lapses_after <= kMostLapse;
  return whole_text ? std::optional(holder) : std::nullopt;
}

std::string why_stale(const LockHolder& holder, FileLock file_lock, double silent,
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

std::string name_of(const LockHolder& holder) {
  if (holder.pid == 0) return "an unknown process";
  return fmt::format("pid {} on {}{}", holder.pid, holder.host,
                     holder.job.empty() ? "" : fmt::format(" (job {})", holder.job));
}

LockFile::LockFile(const std::string& path, int flags)
    : file_(::open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, kMode)) {}

LockFile::~LockFile() {
  if (file_ >= 0) ::close(file_);
}

bool LockFile::is_regular() const {
  struct stat status {};
  return ::fstat(file_, &status) == 0 && S_ISREG(status.st_mode);
}

bool LockFile::is_at(const std::string& path) const {
  struct stat opened {};
  struct stat named {};
  return ::fstat(file_, &opened) == 0 && ::lstat(path.c_str(), &named) == 0 &&
         opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

FileLock LockFile::take() const {
  for (int tries = 0; tries < kTries; ++tries) {
    if (::flock(file_, LOCK_EX | LOCK_NB) == 0) return FileLock::kFree;
    if (errno != EWOULDBLOCK && errno != EINTR) return FileLock::kUnknown;
    std::this_thread::sleep_for(kBetweenTries);
  }
  return FileLock::kTaken;
}

FileLock LockFile::look() const {
  if (::flock(file_, LOCK_SH | LOCK_NB) == 0) return FileLock::kFree;
  return errno == EWOULDBLOCK ? FileLock::kTaken : FileLock::kUnknown;
}

std::string LockFile::text() const {
  std::string text(kMostBytes, '\0');
  const ssize_t got = ::pread(file_, text.data(), text.size(), 0);
  text.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
  return text;
}

bool LockFile::write(const std::string& text) const {
  if (::ftruncate(file_, 0) != 0) return false;
  const ssize_t put = ::pwrite(file_, text.data(), text.size(), 0);
  if (put >= 0 && put != static_cast<ssize_t>(text.size())) errno = ENOSPC;
  return put == static_cast<ssize_t>(text.size());
}

bool LockFile::flush() const {
  return ::fsync(file_) == 0 || errno == EINVAL;  // not every file system can
}

void LockFile::renew() const {
  ::futimens(file_, nullptr);
}

double LockFile::age() const {
  struct stat status {};
  if (::fstat(file_, &status) != 0) return 0.0;
  timespec time{};
  ::clock_gettime(CLOCK_REALTIME, &time);
  constexpr double kNano = 1e-9;
  return std::max(0.0, static_cast<double>(time.tv_sec - status.st_mtim.tv_sec) +
                           kNano * static_cast<double>(time.tv_nsec - status.st_mtim.tv_nsec));
}

bool hold_to_read(const std::string& path, LockFile& lock) {
  std::error_code error;
  for (int tries = 0; tries < kTries; ++tries) {
    lock = LockFile(path, O_RDONLY);
    if (!lock.is_open()) return std::filesystem::exists(path, error);  // a link: not followed
    if (lock.look() != FileLock::kTaken) return lock.is_at(path);
    std::this_thread::sleep_for(kBetweenTries);
  }
  return std::filesystem::exists(path, error);
}

std::optional<LockFile> lock_to_remove(const std::string& path) {
  LockFile lock(path, O_RDWR);  // NFS gives an exclusive lock to no other
  if (lock.is_open() && lock.take() == FileLock::kTaken) return std::nullopt;
  return lock;
}

std::string lock_text_at(const std::string& path) {
  const LockFile file(path, O_RDONLY);
  return file.is_open() ? file.text() : std::string();
}

}  // namespace siren::inline io
