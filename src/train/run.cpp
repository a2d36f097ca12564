// SPDX-License-Identifier: Apache-2.0
#include "siren/train/run.hpp"

#include <algorithm>
#include <utility>

#include "siren/core/timer.hpp"

namespace siren {

TrainingRun::TrainingRun(const Communicator& comm,
                         const TrainConfig& config,
                         Training& training,
                         Evaluator* evaluator,
                         Save save,
                         std::vector<Observer*> observers)
    : comm_(comm),
      config_(config),
      training_(training),
      evaluator_(evaluator),
      save_(std::move(save)),
      observers_(std::move(observers)),
      saved_step_(training.steps_done()) {}

std::int64_t TrainingRun::last_step() const {
  const std::int64_t all = training_.steps_per_epoch() * config_.epochs;
  return config_.max_steps ? std::min(all, *config_.max_steps) : all;
}

void TrainingRun::run() {
  const std::int64_t last = last_step();
  Stopwatch watch;
  training_.reset_clock();
  while (training_.steps_done() < last) {
    const StepReport step = training_.step();
    for (Observer* observer : observers_) observer->on_step(step);
    const auto ratings = static_cast<double>(step.ratings);
    epoch_.loss += step.loss * ratings;
    epoch_.reg += step.reg * ratings;
    epoch_.ratings += step.ratings;
    ++epoch_.steps;
    if (step.step % training_.steps_per_epoch() == 0 || step.step == last) {
      end_epoch(step.epoch, watch.seconds());
      watch = Stopwatch();
    }
    if (config_.checkpoint_every_steps > 0 && step.step % config_.checkpoint_every_steps == 0)
      save_checkpoint();
  }
  save_checkpoint();
}

void TrainingRun::end_epoch(std::int32_t epoch, double seconds) {
  const auto ratings = static_cast<double>(epoch_.ratings);
  epoch_.epoch = epoch;
  epoch_.step = training_.steps_done();
  epoch_.loss /= ratings;
  epoch_.reg /= ratings;
  epoch_.seconds = seconds;
  epoch_.phases = phases();
  for (Observer* observer : observers_) observer->on_epoch(epoch_);
  epoch_ = {};
  const bool due = config_.eval_every > 0 && epoch % config_.eval_every == 0;
  if (evaluator_ != nullptr && due) {
    const EvaluationReport report = evaluate(*evaluator_);
    for (Observer* observer : observers_) observer->on_evaluation(epoch, report);
  }
  training_.reset_clock();
}

EvaluationReport TrainingRun::evaluate(Evaluator& evaluator) {
  Matrix<float> users;
  Matrix<float> items;
  training_.embed(users, items);
  return evaluator.evaluate({users, items});
}

std::vector<PhaseUse> TrainingRun::phases() const {
  std::vector<double> least;
  std::vector<std::int64_t> bytes;
  for (std::size_t p = 0; p < kPhases; ++p) {
    least.push_back(training_.clock().seconds(static_cast<Phase>(p)));
    bytes.push_back(training_.clock().bytes(static_cast<Phase>(p)));
  }
  std::vector<double> most = least;
  std::vector<double> sum = least;
  comm_.all_reduce(std::span(least), Reduction::kMin);
  comm_.all_reduce(std::span(most), Reduction::kMax);
  comm_.all_reduce(std::span(sum), Reduction::kSum);
  comm_.all_reduce(std::span(bytes), Reduction::kSum);
  std::vector<PhaseUse> uses;
  for (std::size_t p = 0; p < kPhases; ++p)
    uses.push_back({std::string(name_of(static_cast<Phase>(p))), least[p], sum[p] / comm_.size(),
                    most[p], bytes[p]});
  return uses;
}

void TrainingRun::save_checkpoint() {
  if (!save_ || saved_step_ == training_.steps_done()) return;
  saved_step_ = training_.steps_done();
  const CheckpointReport report = save_(saved_step_);
  for (Observer* observer : observers_) observer->on_checkpoint(report);
}

}  // namespace siren
