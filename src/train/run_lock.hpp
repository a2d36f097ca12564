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
// taken for dead and is not (it was stopped) finds another's name in the file and gives up. What a
// dead holder had begun to write there (io/output_claim.hpp) is removed by the next one.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "io/lock_file.hpp"

namespace siren::inline train {

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
  std::string inspect();
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
  LockFile file_;
  std::mutex mutex_;  // of file_ and lost_
  std::string lost_;
  std::atomic<bool> is_lost_{false};
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;  // last: uses the others
};

}  // namespace siren::inline train
