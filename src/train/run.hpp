// SPDX-License-Identifier: Apache-2.0
// The life of a training run: steps, epochs, evaluations, checkpoints, and its end before the time.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/timer.hpp"
#include "ranking/evaluator.hpp"
#include "siren/communicator.hpp"
#include "siren/config.hpp"
#include "train/deadline.hpp"
#include "train/lambda_choice.hpp"
#include "train/observer.hpp"
#include "train/run_checkpoints.hpp"
#include "train/run_progress.hpp"
#include "train/training.hpp"

namespace siren::inline train {

/// What a run works with besides the model; everything is borrowed.
struct RunParts {
  Evaluator* evaluator = nullptr;         // evaluates during training; null: nobody does
  RunCheckpoints* checkpoints = nullptr;  // null: nothing is saved
  std::vector<Observer*> observers;
  Deadline deadline{std::nullopt, std::nullopt};
};

/// config.patience evaluations on the validation split in a row were no better than the best.
bool out_of_patience(const TrainConfig& config, const RunProgress& progress);

class TrainingRun {
 public:
  /// `progress` is that of the checkpoint behind `training`'s present step.
  TrainingRun(const Communicator& comm, const TrainConfig& config, Training& training,
              RunParts parts, const RunProgress& progress);

  /// Collective. Trains to the end of config.epochs or config.max_steps, or until config.patience
  /// evaluations on the validation split in a row were no better than the best, and saves the end.
  /// A stop signal on any rank, or the deadline, ends it sooner: Interrupted, once the state is
  /// saved.
  void run();
  const RunProgress& progress() const { return progress_; }

  /// Collective. Evaluates the present model, a factored one with that lambda. Interrupted like
  /// run().
  EvaluationReport evaluate(Evaluator& evaluator, double lambda = kPlainLambda);

  /// Collective. Chooses lambda for the present model, which is factored. Interrupted like run().
  LambdaEvent choose_lambda(Evaluator& evaluator, const std::string& rule);

 private:
  std::int64_t last_step() const;
  int stop_reason() const;
  StepVotes votes() const;
  bool checkpoint_due(const StepReport& step) const;

  void step();
  void count(const StepReport& step);
  void end_epoch(const StepReport& step);
  void evaluate_if_due();
  std::optional<EvaluationReport> try_evaluation(Evaluator& evaluator,
                                                 double lambda = kPlainLambda);
  bool try_with_rows(Evaluator& evaluator, const std::function<void(const NodeTables&)>& use);
  void take(const EvaluationReport& report, std::int32_t epoch);
  void report_early_stop();
  void save_checkpoint();
  void report_ranks();
  [[noreturn]] void leave();

  Communicator comm_;
  TrainConfig config_;
  Training& training_;
  RunParts parts_;
  RunProgress progress_;
  bool stopping_ = false;
  std::int64_t saved_step_;
  Stopwatch since_saved_;
  PhaseCounts counts_;  // since this run began, without what the clock still holds
  std::int64_t steps_ = 0;
  double longest_save_ = 0.0;  // seconds
  double longest_step_ = 0.0;
};

}  // namespace siren::inline train
