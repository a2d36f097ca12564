// SPDX-License-Identifier: Apache-2.0
// One writer per directory: the file DIR/lock names the process that writes there (format:
// data/README.md, "The lock").
//
//   const RunLock lock("runs/a", "--run runs/a");    // InputError if somebody is at work there
//   lock.check();                                    // before something must not go wrong
//
// A lock binds while its holder gives signs of life: a thread renews the file's time, and where the
// file system has locks the open file holds one, which ends with the process. So a dead holder is
// known at once on its own host, and elsewhere when its last sign of life is too old. Whoever is
// taken for dead and is not (it was stopped) finds another's name in the file and gives up.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace siren {

/// Whom a lock names.
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

/// This process. InputError never: what cannot be found out stays empty.
LockHolder this_process(double lapses_after);

std::string to_text(const LockHolder& holder);
/// Nothing if the text is none of a lock.
std::optional<LockHolder> parse_lock(const std::string& text);

/// What the file system's own lock says of the file.
enum class FileLock { kFree, kTaken, kUnknown };

/// Why a lock binds nobody any more, as the end of a sentence; empty if it binds. `silent`: seconds
/// since its last sign of life.
std::string why_stale(const LockHolder& holder,
                      FileLock file_lock,
                      double silent,
                      const LockHolder& me);

class RunLock {
 public:
  struct Rules {
    double hang_timeout = 0.0;  // a lock lapses after twice as long; 0: as if it were 600 s
    bool file_locks = true;     // false in tests: as on a file system that has none
  };

  /// One process only. `option` names the directory in messages. InputError if another process is
  /// at work there, or the directory cannot be written.
  RunLock(const std::string& directory, std::string option, Rules rules);
  /// Removes the file.
  ~RunLock();
  RunLock(const RunLock&) = delete;
  RunLock& operator=(const RunLock&) = delete;

  /// A sentence about the dead holder whose lock this one replaces; empty if there was none.
  const std::string& taken_over() const { return taken_over_; }

  /// EnvironmentError if the lock was found lost: the directory was moved or removed, or another
  /// start has taken over. Cheap.
  void check_found() const;
  /// Likewise, and looks now.
  void check();

 private:
  void acquire();
  std::string judge();
  void release() const;
  bool take_turn();
  bool publish(const std::string& expected);
  [[noreturn]] void refuse(const LockHolder& holder, FileLock file_lock, double silent) const;
  void look();
  void lose(const std::string& reason);
  void renew();

  std::string directory_;
  std::string option_;
  Rules rules_;
  LockHolder me_;
  std::string text_;  // of me_
  std::string taken_over_;
  int file_ = -1;
  std::mutex mutex_;  // of file_ and lost_
  std::string lost_;
  std::atomic<bool> is_lost_{false};
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;  // last: uses the others
};

}  // namespace siren
