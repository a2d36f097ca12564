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
#include "siren/train/training.hpp"

namespace siren {

class TrainingRun {
 public:
  /// Writes the state behind a step, collectively.
  using Save = std::function<CheckpointReport(std::int64_t step)>;

  /// Everything is borrowed. `evaluator` judges on config.eval_split during training, may be null;
  /// an empty `save` writes no checkpoints.
  TrainingRun(const Communicator& comm,
              const TrainConfig& config,
              Training& training,
              Evaluator* evaluator,
              Save save,
              std::vector<Observer*> observers);

  /// Collective. Trains to the end of config.epochs or config.max_steps.
  void run();

  /// Collective. Judges the present model.
  EvaluationReport evaluate(Evaluator& evaluator);

 private:
  std::int64_t last_step() const;
  void end_epoch(std::int32_t epoch, double seconds);
  std::vector<PhaseUse> phases() const;
  void save_checkpoint();

  Communicator comm_;
  TrainConfig config_;
  Training& training_;
  Evaluator* evaluator_;
  Save save_;
  std::vector<Observer*> observers_;
  EpochReport epoch_;  // being summed up
  std::int64_t saved_step_ = 0;
};

}  // namespace siren
