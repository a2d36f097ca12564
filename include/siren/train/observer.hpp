// SPDX-License-Identifier: Apache-2.0
// What happens during a run, for those who watch: progress on the terminal, metrics.jsonl, tests.
// Events are the same on every rank; watchers of the outside world are attached on rank 0 only.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "siren/train/evaluation_report.hpp"
#include "siren/train/phase_use.hpp"
#include "siren/train/rank_report.hpp"
#include "siren/train/training.hpp"

namespace siren {

struct EpochReport {
  std::int32_t epoch = 0;
  std::int64_t step = 0;          // steps done
  std::int64_t steps = 0;         // of this epoch in this run
  std::int64_t ratings = 0;       // visited in those
  std::int64_t without_term = 0;  // of those: their users have rated all that can be drawn
  double loss = 0.0;              // per rating, without reg
  double reg = 0.0;
  double seconds = 0.0;
  std::vector<PhaseUse> phases;  // since the last epoch event
};

struct CheckpointReport {
  std::int64_t step;
  std::string file;
  double seconds;  // until the file was published
  std::int64_t bytes;
  double pause = 0.0;  // seconds that training stood still
};

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

}  // namespace siren
