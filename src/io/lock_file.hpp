// SPDX-License-Identifier: Apache-2.0
// A file that names the process that holds it (format: data/README.md, "The lock"), and whether that
// process is still alive. Two kinds of lock stand on it: of a run directory (train/run_lock.hpp), which
// is renewed as long as its holder lives, and of an output (io/output_claim.hpp), which is not.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace siren::inline io {

struct LockHolder {
  std::string host;
  std::int64_t pid = 0;
  std::int64_t since = 0;          // seconds of Unix time
  std::int64_t process_start = 0;  // clock ticks behind the start of the host; tells pids apart
  std::string boot;                // which start of which host; empty if unknown
  std::string pid_space;           // in which the pid counts: containers have their own
  std::string job;                 // of SLURM; empty if none
  std::int64_t restarts = 0;       // how often SLURM has begun this job again
  double lapses_after = 0.0;       // seconds without a sign of life
  std::string token;               // no two are the same
};

constexpr double kLeastLapse = 2.0;  // seconds: threads of a loaded host come late

/// This process. InputError never: what cannot be found out stays empty.
LockHolder this_process(double lapses_after);

std::string to_text(const LockHolder& holder);
/// Nothing if the text is none of a lock.
std::optional<LockHolder> parse_lock(const std::string& text);
/// "pid 4711 on n1 (job 12)", or "an unknown process".
std::string name_of(const LockHolder& holder);

/// What the file system's own lock says of the file.
enum class FileLock { kFree, kTaken, kUnknown };

/// Why a lock binds nobody any more, as the end of a sentence; empty if it binds. `silent`: seconds
/// since its last sign of life.
std::string why_stale(const LockHolder& holder, FileLock file_lock, double silent,
                      const LockHolder& me);

/// An open lock file; closed at the end of the scope. Links are not followed, and to open a pipe does
/// not wait.
class LockFile {
 public:
  LockFile() = default;
  /// `flags` as of open(2); errno tells why it is not open.
  LockFile(const std::string& path, int flags);
  ~LockFile();
  LockFile(LockFile&& other) noexcept : file_(std::exchange(other.file_, -1)) {}
  LockFile& operator=(LockFile&& other) noexcept {
    std::swap(file_, other.file_);
    return *this;
  }

  bool is_open() const { return file_ >= 0; }
  bool is_regular() const;
  /// Whether this is the file of that name, not one that has been renamed or removed.
  bool is_at(const std::string& path) const;

  /// Takes the file system's lock: kFree if this process has it now.
  FileLock take() const;
  /// Those who only look do not stand in each other's way.
  FileLock look() const;

  std::string text() const;
  /// False with errno.
  bool write(const std::string& text) const;
  /// Waits until the text is on disk; false with errno.
  bool flush() const;
  /// A sign of life.
  void renew() const;
  /// Seconds since the file was written or renewed; 0 if that is in the future.
  double age() const;

 private:
  int file_ = -1;
};

/// Opens `path` with a shared lock, which keeps those away who ask lock_to_remove(). False if there is
/// no such file (any more). Whoever has it to himself for longer than a removal takes does not keep
/// it from being read: then, and where the file system has no locks, `lock` holds nothing.
bool hold_to_read(const std::string& path, LockFile& lock);

/// The lock under which a file may be removed; nothing if somebody reads it. Not open if it cannot be
/// written or is not there.
std::optional<LockFile> lock_to_remove(const std::string& path);

/// The text of the lock at `path`; empty if there is none.
std::string lock_text_at(const std::string& path);

}  // namespace siren::inline io
