// SPDX-License-Identifier: Apache-2.0
#include "io/output_claim.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <optional>
#include <random>
#include <set>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <unistd.h>

#include <fmt/format.h>
#include <sys/stat.h>

#include "siren/error.hpp"

namespace siren::inline io {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kLockEnd = ".siren.lock";
constexpr std::string_view kTemporaryMark = ".siren-";
constexpr std::string_view kTemporaryEnd = ".tmp";
constexpr std::string_view kLetters =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
constexpr std::size_t kRandomLetters = 6;
/// Where a file system knows no locks: what a holder that this host cannot look at has not written to
/// for so long has no living maker.
constexpr double kAbandonedAfter = 24 * 3600.0;

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

/// Names of which there is a lock or a temporary file.
std::set<std::string> outputs_begun_in(const std::string& directory) {
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
  return outputs;
}

/// A directory with the files in it: we make no others. Links are removed, not followed.
void remove_temporary(const fs::path& path) {
  std::error_code error;
  if (fs::is_directory(fs::symlink_status(path, error)))
    for (const fs::directory_entry& entry : fs::directory_iterator(path, error))
      if (!fs::is_directory(entry.symlink_status(error))) fs::remove(entry.path(), error);
  fs::remove(path, error);
}

/// `reason` is an errno; the name may be at fault, or the machine.
[[noreturn]] void cannot_write(const std::string& path, int reason, const std::string& of = "") {
  const std::string text = fmt::format("cannot write {}: {}{}{}", path, of, of.empty() ? "" : ": ",
                                       std::strerror(reason));
  for (const int machine : {ENOSPC, EDQUOT, EIO, EMFILE, ENFILE})
    if (reason == machine) throw EnvironmentError(text);
  throw InputError(text);
}

/// Seconds since the lock or one of the temporary ones was written.
double silence(const std::string& path, const LockFile& lock) {
  double least = lock.age();
  const std::string name = fs::path(path).filename().string();
  for (const fs::path& path_there : temporaries_in(directory_of(path), name)) {
    const LockFile file(path_there.string(), O_RDONLY);
    if (file.is_open()) least = std::min(least, file.age());
  }
  return least;
}

}  // namespace

OutputClaim::OutputClaim(std::string path)
    : path_(std::move(path)), lock_path_(path_ + std::string(kLockEnd)) {
  constexpr int kTries = 100;  // in each, somebody else came or went in the same moment
  for (int tries = 0; !take_lock(); ++tries)
    if (tries == kTries)
      throw EnvironmentError(fmt::format("cannot write {}: {} is never the file that was just made",
                                         path_, lock_path_));
  const std::string name = fs::path(path_).filename().string();
  for (const fs::path& left : temporaries_in(directory_of(path_), name)) remove_temporary(left);
}

OutputClaim::~OutputClaim() {
  for (const std::string& temporary : temporaries_) remove_temporary(temporary);
  if (lock_.is_at(lock_path_)) ::unlink(lock_path_.c_str());
}

/// False if it is to be tried again: the last holder's file is gone by now.
bool OutputClaim::take_lock() {
  lock_ = LockFile(lock_path_, O_RDWR | O_CREAT | O_EXCL);
  if (lock_.is_open()) {
    if (lock_.take() == FileLock::kTaken) return false;   // by one who takes it for a dead one's
    lock_.write(to_text(this_process(kAbandonedAfter)));  // on a full disk it names nobody
    return lock_.is_at(lock_path_);
  }
  if (errno != EEXIST) cannot_write(path_, errno);
  remove_dead_lock();
  return false;
}

/// InputError if whoever holds it may be alive.
void OutputClaim::remove_dead_lock() const {
  const LockFile there(lock_path_, O_RDONLY);  // it may be another user's: the directory decides
  if (!there.is_open() && errno == ENOENT) return;
  if (!there.is_open()) cannot_write(path_, errno, lock_path_);
  const std::string text = there.text();
  const std::optional<LockHolder> holder = parse_lock(text);
  if (!there.is_regular() || (!holder && !text.empty()))
    throw InputError(
        fmt::format("cannot write {}: {} is not a lock of siren; remove it or choose another name",
                    path_, lock_path_));
  const FileLock file_lock = there.take();
  LockHolder unknown;
  unknown.lapses_after = kAbandonedAfter;
  const bool dead = file_lock == FileLock::kFree ||
                    !why_stale(holder.value_or(unknown), file_lock, silence(path_, there),
                               this_process(kAbandonedAfter))
                         .empty();
  if (!dead) {
    const std::string hint =
        fmt::format(" (if it has ended, remove {}: this file system has no locks)", lock_path_);
    throw InputError(fmt::format(
        "cannot write {}: {} is writing it; wait for its end, or choose another name{}", path_,
        name_of(holder.value_or(unknown)), file_lock == FileLock::kUnknown ? hint : ""));
  }
  if (there.is_at(lock_path_) && ::unlink(lock_path_.c_str()) != 0 && errno != ENOENT)
    cannot_write(path_, errno, lock_path_);
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
  for (const std::string& name : outputs_begun_in(directory)) {
    try {
      const OutputClaim claim((fs::path(directory) / name).string());
    } catch (const std::runtime_error&) {  // its maker lives, or it cannot be removed
    }
  }
}

void remove_all_begun(const std::string& directory, std::string_view except) {
  for (const std::string& name : outputs_begun_in(directory)) {
    if (name == except) continue;
    for (const fs::path& left : temporaries_in(directory, name)) remove_temporary(left);
    const std::string lock = fmt::format("{}/{}{}", directory, name, kLockEnd);
    const std::string text = lock_text_at(lock);
    if (text.empty() || parse_lock(text)) ::unlink(lock.c_str());
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

}  // namespace siren::inline io
