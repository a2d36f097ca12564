// SPDX-License-Identifier: Apache-2.0
// The life of a training run: steps, epochs, evaluations, checkpoints.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "siren/comm/communicator.hpp"
#include "siren/train/config.hpp"
#include "siren/train/evaluator.hpp"
#include "siren/train/observer.hpp"
#include "siren/train/run_progress.hpp"
#include "siren/train/training.hpp"

namespace siren {

class TrainingRun {
 public:
  /// Writes the state behind a step, collectively. If progress.best_step == step it is the best so
  /// far.
  using Save = std::function<CheckpointReport(std::int64_t step, const RunProgress& progress)>;

  /// Everything is borrowed. `evaluator` judges on config.eval_split during training, may be null;
  /// an empty `save` writes no checkpoints.
  TrainingRun(const Communicator& comm,
              const TrainConfig& config,
              Training& training,
              Evaluator* evaluator,
              Save save,
              std::vector<Observer*> observers);

  /// Collective. Trains to the end of config.epochs or config.max_steps, or until config.patience
  /// evaluations on the validation split in a row were no better than the best.
  void run();
  const RunProgress& progress() const { return progress_; }

  /// Collective. Judges the present model.
  EvaluationReport evaluate(Evaluator& evaluator);

 private:
  std::int64_t last_step() const;
  bool stopped_early() const;
  void count(const StepReport& step);
  void end_epoch(std::int32_t epoch);
  void judge(std::int32_t epoch);
  std::vector<PhaseUse> phases() const;
  void save_checkpoint();

  Communicator comm_;
  TrainConfig config_;
  Training& training_;
  Evaluator* evaluator_;
  Save save_;
  std::vector<Observer*> observers_;
  RunProgress progress_;
  std::int64_t saved_step_ = 0;
};

}  // namespace siren
