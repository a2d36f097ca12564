// SPDX-License-Identifier: Apache-2.0
// Trains several runs in one job: the ranks form groups of the same size, which take the runs in
// turns, each without a word to the others.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <spdlog/common.h>

#include "comm/stop_notice.hpp"
#include "events/events.hpp"
#include "siren/communicator.hpp"
#include "siren/error.hpp"
#include "train/deadline.hpp"
#include "train/node_memory.hpp"
#include "train/run_lock.hpp"
#include "train/threads.hpp"

namespace siren::inline app {

/// InputError unless the ranks of `comm` make so many groups of one size.
void check_groups(const Communicator& comm, std::int32_t groups);

/// To stderr, if messages of this level are shown: any rank may speak, not only that of the log.
void say(spdlog::level::level_enum level, const std::string& line);

class RunGroups {
 public:
  /// `job` must outlive it; `time_limit` as --time-limit. Collective, like all that is public.
  RunGroups(const Communicator& job, std::int32_t groups, const std::string& time_limit);

  struct Task {
    std::string name;               // in messages
    std::vector<std::string> args;  // of siren train
  };
  struct Outcome {
    std::optional<FinalEvent> final;  // of a run that came to its end
    ExitCode code = ExitCode::kDone;  // of one that failed
    double seconds = 0.0;             // 0: not begun
  };
  using Headline = std::function<std::string(std::size_t task, const FinalEvent&)>;

  /// Trains all of them; `tests` says whether a finished run reads the test part. The outcomes are
  /// complete on rank 0 of the job. A failure is told and leaves the other runs alone. `lock` is that
  /// of the folder on rank 0 of the job. `headline` is what is said of a finished run, besides its
  /// name.
  std::vector<Outcome> train(std::span<const Task> tasks, bool tests, const RunLock* lock,
                             const Headline& headline);
  /// A signal or the deadline came: no further run is begun.
  bool interrupted() const { return interrupted_; }
  int ranks_per_group() const { return job_.size() / groups_; }

 private:
  int group_of(int rank) const { return rank / ranks_per_group(); }
  bool stop_wanted();
  Outcome train_one(const Task& task, bool tests, const RunLock* lock,
                    const std::function<std::string(const FinalEvent&)>& headline);
  std::vector<Outcome> collect(const std::vector<Outcome>& mine);

  const Communicator& job_;
  std::int32_t groups_;
  Communicator group_;
  StopNotice notice_;
  NodeMemory node_;
  ThreadShare threads_;
  Deadline deadline_;
  bool interrupted_ = false;
};

}  // namespace siren::inline app
