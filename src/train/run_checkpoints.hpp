// SPDX-License-Identifier: Apache-2.0
// The checkpoints of one run: saving them, finding the one to continue from.
#pragma once

#include <cstdint>
#include <future>
#include <optional>
#include <string>

#include "io/lock_file.hpp"
#include "siren/communicator.hpp"
#include "train/observer.hpp"
#include "train/run_directory.hpp"
#include "train/run_lock.hpp"
#include "train/run_progress.hpp"
#include "train/session.hpp"

namespace siren::inline train {

/// All members are collective; `session` is borrowed and must have started training.
class RunCheckpoints {
 public:
  RunCheckpoints(const Communicator& comm, Session& session, RunDirectory directory,
                 std::string config_text, int keep);
  /// Waits for the last removal; if that failed, the log says so.
  ~RunCheckpoints();
  RunCheckpoints(const RunCheckpoints&) = delete;
  RunCheckpoints& operator=(const RunCheckpoints&) = delete;

  /// Borrowed; nothing is saved from now on without this lock, and if it is lost that is what a
  /// failing save() says. Rank 0's.
  void save_under(RunLock& lock) { lock_ = &lock; }

  /// The present state, published as the newest checkpoint. If progress.best_step is this step it
  /// is the best, too. No checkpoint of this step may exist. Old ones are removed while training
  /// goes on: freeing gigabytes takes a file system its time. If that fails, the next save() says so.
  CheckpointReport save(RunProgress progress);
  void mark_best(std::int64_t step);

  /// Overwrites the training state by the newest checkpoint that is whole. A damaged one is named
  /// in the log and put aside as NAME.damaged. Nothing if there was none at all; InputError if all
  /// are damaged.
  std::optional<RunProgress> resume();

  /// Overwrites the model's parameters by those of a checkpoint of this run.
  void load_parameters(std::int64_t step);

 private:
  CheckpointReport write(RunProgress progress);

  Communicator comm_;
  Session& session_;
  RunDirectory directory_;
  std::string config_text_;
  int keep_;
  RunLock* lock_ = nullptr;
  std::future<void> removal_;  // of old checkpoints; rank 0 only
};

/// A checkpoint to read. The run that made it leaves it in place until this object ends, if the file
/// system has locks. Rank 0 holds the lock.
struct HeldCheckpoint {
  std::string path;
  LockFile lock;
};

/// Collective. The checkpoint to use when none is named: the best if there is one, else the newest.
/// InputError if there is none.
HeldCheckpoint preferred_checkpoint(const Communicator& comm, const RunDirectory& directory);

/// Collective. The checkpoint that people mean by `path`: for RUN/checkpoints/latest and best what
/// they point to, else the path itself.
HeldCheckpoint checkpoint_meant_by(const Communicator& comm, const std::string& path);

}  // namespace siren::inline train
