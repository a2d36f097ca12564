// SPDX-License-Identifier: Apache-2.0
#include "siren/train/run.hpp"

#include <algorithm>
#include <utility>

#include "siren/core/timer.hpp"

namespace siren {

namespace {

constexpr const char* kBestBy = "nDCG@10";

}  // namespace

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

bool TrainingRun::stopped_early() const {
  return config_.patience > 0 && progress_.evaluations_since_best >= config_.patience;
}

void TrainingRun::run() {
  const std::int64_t last = last_step();
  training_.reset_clock();
  while (training_.steps_done() < last && !stopped_early()) {
    const Stopwatch watch;
    const StepReport step = training_.step();
    for (Observer* observer : observers_) observer->on_step(step);
    count(step);
    progress_.seconds += watch.seconds();
    if (step.step % training_.steps_per_epoch() == 0 || step.step == last) end_epoch(step.epoch);
    if (config_.checkpoint_every_steps > 0 && step.step % config_.checkpoint_every_steps == 0)
      save_checkpoint();
  }
  save_checkpoint();
}

void TrainingRun::count(const StepReport& step) {
  const auto ratings = static_cast<double>(step.ratings);
  progress_.loss += step.loss * ratings;
  progress_.reg += step.reg * ratings;
  progress_.ratings += step.ratings;
  ++progress_.steps;
}

void TrainingRun::end_epoch(std::int32_t epoch) {
  const auto ratings = static_cast<double>(progress_.ratings);
  EpochReport report;
  report.epoch = epoch;
  report.step = training_.steps_done();
  report.steps = progress_.steps;
  report.ratings = progress_.ratings;
  report.loss = progress_.loss / ratings;
  report.reg = progress_.reg / ratings;
  report.seconds = progress_.seconds;
  report.phases = phases();
  for (Observer* observer : observers_) observer->on_epoch(report);
  progress_.loss = progress_.reg = progress_.seconds = 0.0;
  progress_.ratings = progress_.steps = 0;
  if (evaluator_ != nullptr && config_.eval_every > 0 && epoch % config_.eval_every == 0)
    judge(epoch);
  training_.reset_clock();
}

/// Only the validation split may choose a model: the test split is looked at, not learned from.
void TrainingRun::judge(std::int32_t epoch) {
  const EvaluationReport report = evaluate(*evaluator_);
  for (Observer* observer : observers_) observer->on_evaluation(epoch, report);
  if (report.split != "valid") return;
  const double metric = report.metric(kBestBy);
  if (metric > progress_.best_metric) {
    progress_.best_metric = metric;
    progress_.best_epoch = epoch;
    progress_.best_step = training_.steps_done();
    progress_.evaluations_since_best = 0;
    save_checkpoint();
  } else {
    ++progress_.evaluations_since_best;
  }
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
  const CheckpointReport report = save_(saved_step_, progress_);
  for (Observer* observer : observers_) observer->on_checkpoint(report);
}

}  // namespace siren
