// SPDX-License-Identifier: Apache-2.0
#include "siren/io/output_claim.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <optional>
#include <random>
#include <set>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <thread>
#include <unistd.h>

#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "siren/core/error.hpp"
#include "siren/core/host.hpp"

namespace siren {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kLockEnd = ".siren.lock";
constexpr std::string_view kTemporaryMark = ".siren-";
constexpr std::string_view kTemporaryEnd = ".tmp";
constexpr std::string_view kLetters =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
constexpr std::size_t kRandomLetters = 6;
constexpr std::string_view kHolder = "siren: process ";
constexpr int kTries = 5;  // a name is free again as soon as a look at it is over
constexpr auto kBetweenTries = std::chrono::milliseconds(20);
/// Where a file system knows no locks: what nobody has written for so long has no living maker.
constexpr auto kAbandonedAfter = std::chrono::hours(24);

std::string directory_of(const std::string& path) {
  const std::string parent = fs::path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

std::string random_letters() {
  std::random_device source;
  std::uniform_int_distribution<std::size_t> pick(0, kLetters.size() - 1);
  std::string letters(kRandomLetters, '\0');
  for (char& letter : letters) letter = kLetters[pick(source)];
  return letters;
}

/// "d.h5" of "d.h5.siren-Xy3k9Q.tmp"; nothing of any other name.
std::optional<std::string> output_of(const std::string& temporary) {
  constexpr std::size_t kTail = kTemporaryMark.size() + kRandomLetters + kTemporaryEnd.size();
  if (temporary.size() <= kTail || !temporary.ends_with(kTemporaryEnd)) return std::nullopt;
  const std::size_t end = temporary.size() - kTail;
  if (temporary.compare(end, kTemporaryMark.size(), kTemporaryMark) != 0) return std::nullopt;
  const std::string random = temporary.substr(end + kTemporaryMark.size(), kRandomLetters);
  if (random.find_first_not_of(kLetters) != std::string::npos) return std::nullopt;
  return temporary.substr(0, end);
}

/// Temporary ones of one output, or with an empty name of all in the directory.
std::vector<fs::path> temporaries_in(const std::string& directory, const std::string& name) {
  std::vector<fs::path> found;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory, error)) {
    const std::optional<std::string> output = output_of(entry.path().filename().string());
    if (output && (name.empty() || *output == name)) found.push_back(entry.path());
  }
  return found;
}

/// A directory with the files in it: we make no others. Links are removed, not followed.
void remove_temporary(const fs::path& path) {
  std::error_code error;
  if (fs::is_directory(fs::symlink_status(path, error)))
    for (const fs::directory_entry& entry : fs::directory_iterator(path, error))
      if (!fs::is_directory(entry.symlink_status(error))) fs::remove(entry.path(), error);
  fs::remove(path, error);
}

std::string read_holder(int lock) {
  std::array<char, 400> text{};
  const ssize_t got = ::pread(lock, text.data(), text.size(), 0);
  return {text.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0))};
}

/// "process 4711 on n3"
std::string who(const std::string& holder) {
  if (!holder.starts_with(kHolder)) return "another process";
  return holder.substr(std::strlen("siren: "), holder.find('\n') - std::strlen("siren: "));
}

bool is_still(const std::string& path, int file) {
  struct stat opened {};
  struct stat named {};
  return ::fstat(file, &opened) == 0 && ::lstat(path.c_str(), &named) == 0 &&
         opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

/// `reason` is an errno; the name may be at fault, or the machine.
[[noreturn]] void cannot_write(const std::string& path, int reason, const std::string& of = "") {
  const std::string text = fmt::format("cannot write {}: {}{}{}", path, of, of.empty() ? "" : ": ",
                                       std::strerror(reason));
  for (const int machine : {ENOSPC, EDQUOT, EIO, EMFILE, ENFILE})
    if (reason == machine) throw EnvironmentError(text);
  throw InputError(text);
}

/// 0, EWOULDBLOCK if another process has the lock, or why there is none.
int lock_now(int file) {
  for (int t = 0; t < kTries; ++t) {
    if (::flock(file, LOCK_EX | LOCK_NB) == 0) return 0;
    if (errno != EWOULDBLOCK && errno != EINTR) return errno;
    std::this_thread::sleep_for(kBetweenTries);
  }
  return EWOULDBLOCK;
}

bool knows_no_locks(int reason) {
  return reason == ENOLCK || reason == ENOSYS || reason == EOPNOTSUPP;
}

/// Whether the lock or a temporary file was written a short time ago.
bool in_use_by_age(const std::string& path, const std::string& lock_path) {
  std::vector<fs::path> files =
      temporaries_in(directory_of(path), fs::path(path).filename().string());
  files.emplace_back(lock_path);
  return std::any_of(files.begin(), files.end(), [](const fs::path& file) {
    std::error_code error;
    const fs::file_time_type written = fs::last_write_time(file, error);
    return !error && fs::file_time_type::clock::now() - written < kAbandonedAfter;
  });
}

}  // namespace

OutputClaim::OutputClaim(std::string path)
    : path_(std::move(path)), lock_path_(path_ + std::string(kLockEnd)) {
  while (!take_lock()) continue;
  const std::string holder = fmt::format("{}{} on {}\n", kHolder, ::getpid(), host_name());
  // Only a message needs it, so a full disk does not matter.
  if (::ftruncate(lock_, 0) == 0) [[maybe_unused]]
    const ssize_t written = ::pwrite(lock_, holder.data(), holder.size(), 0);
  const std::string name = fs::path(path_).filename().string();
  for (const fs::path& left : temporaries_in(directory_of(path_), name)) remove_temporary(left);
}

OutputClaim::~OutputClaim() {
  for (const std::string& temporary : temporaries_) remove_temporary(temporary);
  ::unlink(lock_path_.c_str());
  ::close(lock_);
}

/// False if there is another lock file by now: its last holder removed the one that was opened.
bool OutputClaim::take_lock() {
  const std::optional<bool> was_there = open_lock();
  if (!was_there) return false;
  int reason = lock_now(lock_);
  const bool unknown = knows_no_locks(reason);
  if (unknown) reason = *was_there && in_use_by_age(path_, lock_path_) ? EWOULDBLOCK : 0;
  const std::string holder = read_holder(lock_);
  const bool ours = holder.empty() || holder.starts_with(kHolder);
  if (reason == 0 && ours && is_still(lock_path_, lock_)) return true;
  ::close(lock_);
  if (reason == 0 && ours) return false;
  if (!ours)
    throw InputError(
        fmt::format("cannot write {}: {} is not a lock of siren; remove it or choose another name",
                    path_, lock_path_));
  if (reason != EWOULDBLOCK) cannot_write(path_, reason, lock_path_);
  const std::string hint =
      fmt::format(" (if it has ended, remove {}: this file system has no locks)", lock_path_);
  throw InputError(
      fmt::format("cannot write {}: {} is writing it; wait for its end, or choose another name{}",
                  path_, who(holder), unknown ? hint : ""));
}

/// Whether the file was there before; nothing if it is gone again.
std::optional<bool> OutputClaim::open_lock() {
  constexpr mode_t kMode = 0666;
  constexpr int kFlags = O_RDWR | O_NOFOLLOW | O_CLOEXEC;
  lock_ = ::open(lock_path_.c_str(), kFlags | O_CREAT | O_EXCL, kMode);
  if (lock_ >= 0) return false;
  if (errno != EEXIST) cannot_write(path_, errno);
  lock_ = ::open(lock_path_.c_str(), kFlags);
  if (lock_ >= 0) return true;
  if (errno != ENOENT) cannot_write(path_, errno, lock_path_);
  return std::nullopt;
}

std::string OutputClaim::make_temporary_file() {
  return make_temporary(false);
}

std::string OutputClaim::make_temporary_directory() {
  return make_temporary(true);
}

std::string OutputClaim::make_temporary(bool directory) {
  constexpr mode_t kFileMode = 0666;
  constexpr mode_t kDirectoryMode = 0777;
  while (true) {
    const std::string name =
        fmt::format("{}{}{}{}", path_, kTemporaryMark, random_letters(), kTemporaryEnd);
    bool made = false;
    if (directory) {
      made = ::mkdir(name.c_str(), kDirectoryMode) == 0;
    } else {
      const int file =
          ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, kFileMode);
      made = file >= 0;
      if (made) ::close(file);
    }
    if (made) return temporaries_.emplace_back(name);
    if (errno != EEXIST) cannot_write(path_, errno);
  }
}

void remove_abandoned(const std::string& directory) {
  std::set<std::string> outputs;
  for (const fs::path& path : temporaries_in(directory, ""))
    outputs.insert(*output_of(path.filename().string()));
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory, error)) {
    std::string name = entry.path().filename().string();
    if (!name.ends_with(kLockEnd) || name.size() == kLockEnd.size()) continue;
    name.resize(name.size() - kLockEnd.size());
    outputs.insert(std::move(name));
  }
  for (const std::string& name : outputs) {
    try {
      const OutputClaim claim((fs::path(directory) / name).string());
    } catch (const std::runtime_error&) {  // its maker lives, or it cannot be removed
    }
  }
}

std::string output_target(const std::string& path) {
  constexpr int kMostLinks = 40;  // as the kernel has it
  std::string target = path;
  std::error_code error;
  for (int links = 0; fs::is_symlink(fs::symlink_status(target, error)); ++links) {
    struct stat status {};
    const bool reachable = ::stat(target.c_str(), &status) == 0 || errno == ENOENT;
    if (!reachable || links == kMostLinks)
      throw InputError(
          fmt::format("cannot write {}: {}", path, std::strerror(reachable ? ELOOP : errno)));
    const fs::path next = fs::read_symlink(target, error);
    if (error) throw InputError(fmt::format("cannot write {}: {}", path, error.message()));
    target = next.is_absolute() ? next.string() : (fs::path(target).parent_path() / next).string();
  }
  return target;
}

}  // namespace siren
