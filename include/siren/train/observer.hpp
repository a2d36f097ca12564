// SPDX-License-Identifier: Apache-2.0
// What happens during a run, for those who watch: progress on the terminal, metrics.jsonl, tests.
// Events are the same on every rank; watchers of the outside world are attached on rank 0 only.
#pragma once

#include <cstdint>

#include "siren/events/events.hpp"
#include "siren/train/training.hpp"

namespace siren::inline train {

class Observer {
 public:
  virtual ~Observer() = default;
  virtual void on_step(const StepReport&) {}
  virtual void on_epoch(const EpochReport&) {}
  virtual void on_evaluation(std::int32_t /*epoch*/, const EvaluationReport&) {}
  virtual void on_checkpoint(const CheckpointReport&) {}
  /// Training ends before its last step, behind this epoch: so many evaluations in a row were no
  /// better than the best.
  virtual void on_early_stop(std::int32_t /*epoch*/, std::int32_t /*evaluations*/) {}
  /// Once, when the last step is done and saved; not if there was none.
  virtual void on_end(const RankReport&) {}
};

}  // namespace siren::inline train
