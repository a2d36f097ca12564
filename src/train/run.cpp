// SPDX-License-Identifier: Apache-2.0
#include "train/run.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "core/stop_signal.hpp"
#include "siren/error.hpp"
#include "train/run_events.hpp"

namespace siren::inline train {

namespace {

constexpr const char* kBestBy = "nDCG@10";
constexpr int kTimeIsUp = 1000;       // a reason to stop that is no signal
constexpr double kLastSeconds = 2.0;  // for leaving, after the last checkpoint
constexpr double kSecondsPerMinute = 60.0;

/// An evaluation embeds by the products and messages of a step, but is none.
PhaseCounts all_under(Phase phase, const PhaseCounts& counts) {
  PhaseCounts sum;
  const auto at = static_cast<std::size_t>(phase);
  for (std::size_t p = 0; p < kPhases; ++p) {
    sum.seconds[at] += counts.seconds[p];
    sum.sent[at] += counts.sent[p];
  }
  return sum;
}

}  // namespace

bool out_of_patience(const TrainConfig& config, const RunProgress& progress) {
  return config.patience > 0 && progress.evaluations_since_best >= config.patience;
}

TrainingRun::TrainingRun(const Communicator& comm, const TrainConfig& config, Training& training,
                         RunParts parts, const RunProgress& progress)
    : comm_(comm),
      config_(config),
      training_(training),
      parts_(std::move(parts)),
      progress_(progress),
      saved_step_(training.steps_done()) {}

std::int64_t TrainingRun::last_step() const {
  return planned_steps(config_, training_.steps_per_epoch());
}

void TrainingRun::run() {
  training_.set_voter([this] { return votes(); });
  training_.clock().reset();
  const bool stopped_before = out_of_patience(config_, progress_);
  evaluate_if_due();  // the run may have been stopped between an epoch and its evaluation
  while (!stopping_ && training_.steps_done() < last_step() && !out_of_patience(config_, progress_))
    step();
  if (!stopped_before) report_early_stop();
  save_checkpoint();
  report_ranks();
  if (stopping_) leave();
}

void TrainingRun::step() {
  const Stopwatch watch;
  const StepReport step = training_.step();
  for (Observer* observer : parts_.observers) observer->on_step(step);
  count(step);
  longest_step_ = std::max(longest_step_, watch.seconds());
  progress_.seconds += watch.seconds();
  stopping_ = step.votes.stop;
  if (step.step % training_.steps_per_epoch() == 0 || step.step == last_step()) end_epoch(step);
  if (checkpoint_due(step)) save_checkpoint();
}

/// Why this rank wants to stop; 0 if it does not. Rank 0 watches the clock for all: enough must be
/// left for the present step, another one, and the checkpoint.
int TrainingRun::stop_reason() const {
  if (const int signal = stop_signal(); signal != 0) return signal;
  const double reserve = 2.0 * (longest_save_ + longest_step_) + kLastSeconds;
  return comm_.is_root() && parts_.deadline.within(reserve) ? kTimeIsUp : 0;
}

StepVotes TrainingRun::votes() const {
  const double minutes = since_saved_.seconds() / kSecondsPerMinute;
  return {stop_reason() != 0, comm_.is_root() && config_.checkpoint_every_minutes > 0.0 &&
                                  minutes >= config_.checkpoint_every_minutes};
}

bool TrainingRun::checkpoint_due(const StepReport& step) const {
  const auto every = [&](std::int64_t steps) { return steps > 0 && step.step % steps == 0; };
  return step.votes.checkpoint || every(config_.checkpoint_every_steps) ||
         every(config_.checkpoint_every_epochs * training_.steps_per_epoch());
}

void TrainingRun::count(const StepReport& step) {
  progress_.loss += step.loss * step.weight;
  progress_.reg += step.reg * step.weight;
  progress_.weight += step.weight;
  progress_.polarity_loss += step.polarity.loss;
  progress_.polarity_reg += step.polarity.reg;
  progress_.polarity_ratings += step.polarity.ratings;
  progress_.ratings += step.ratings;
  progress_.skipped += step.skipped;
  ++progress_.steps;
  ++steps_;
}

/// Also reports the part of an epoch at whose end config.max_steps stands; its sums stay, for the
/// run may be continued.
void TrainingRun::end_epoch(const StepReport& step) {
  EpochReport report;
  report.epoch = step.epoch;
  report.step = step.step;
  report.steps = progress_.steps;
  report.ratings = progress_.ratings;
  report.skipped = progress_.skipped;
  report.loss = progress_.loss / progress_.weight;
  report.reg = progress_.reg / progress_.weight;
  if (const auto rated = static_cast<double>(progress_.polarity_ratings); rated > 0.0)
    report.polarity = {progress_.polarity_loss / rated, progress_.polarity_reg / rated};
  report.seconds = progress_.seconds;
  report.phases = phase_use(comm_, training_.clock());
  for (Observer* observer : parts_.observers) observer->on_epoch(report);
  if (step.step % training_.steps_per_epoch() != 0) return;
  progress_.loss = progress_.reg = progress_.weight = progress_.seconds = 0.0;
  progress_.polarity_loss = progress_.polarity_reg = 0.0;
  progress_.ratings = progress_.polarity_ratings = progress_.skipped = progress_.steps = 0;
  evaluate_if_due();
  counts_ += training_.clock().reset();
}

/// At the end of an epoch whose turn it is, unless that was done already.
void TrainingRun::evaluate_if_due() {
  const std::int64_t done = training_.steps_done();
  const auto epoch = static_cast<std::int32_t>(done / training_.steps_per_epoch());
  if (parts_.evaluator == nullptr || config_.eval_every == 0 || stopping_) return;
  if (done == 0 || done % training_.steps_per_epoch() != 0 || epoch % config_.eval_every != 0 ||
      epoch <= progress_.evaluated_epoch)
    return;
  const std::optional<EvaluationReport> report = try_evaluation(*parts_.evaluator);
  if (!report) return;  // it is done again when the run is resumed
  for (Observer* observer : parts_.observers) observer->on_evaluation(epoch, *report);
  take(*report, epoch);
}

/// Only the validation split may choose a model: the test split is looked at, not learned from.
void TrainingRun::take(const EvaluationReport& report, std::int32_t epoch) {
  progress_.evaluated_epoch = epoch;
  if (report.split != "valid") return;
  ++progress_.evaluations_since_best;
  const double metric = report.metric(kBestBy);
  if (!(metric > progress_.best_metric)) return;  // nor if it is NaN: nobody to evaluate on
  progress_.best_metric = metric;
  progress_.best_epoch = epoch;
  progress_.best_step = training_.steps_done();
  progress_.evaluations_since_best = 0;
  if (parts_.checkpoints == nullptr) return;
  if (saved_step_ == progress_.best_step)
    parts_.checkpoints->mark_best(progress_.best_step);
  else
    save_checkpoint();
}

EvaluationReport TrainingRun::evaluate(Evaluator& evaluator, double lambda) {
  const std::optional<EvaluationReport> report = try_evaluation(evaluator, lambda);
  if (!report) leave();
  return *report;
}

LambdaEvent TrainingRun::choose_lambda(Evaluator& evaluator, const std::string& rule) {
  LambdaEvent choice;
  const bool chosen = try_with_rows(evaluator, [&](const NodeTables& rows) {
    choice = siren::choose_lambda(parse_lambda_rule(rule), [&](double lambda) {
      return frontier_point(lambda, evaluator.evaluate(scored_by(rows, lambda)));
    });
  });
  if (!chosen) leave();
  choice.step = training_.steps_done();
  choice.rule = rule;
  choice.split = evaluator.split();
  choice.sampled_users = evaluator.sampled_users();
  return choice;
}

/// Nothing if a stop signal or the deadline came in between.
std::optional<EvaluationReport> TrainingRun::try_evaluation(Evaluator& evaluator, double lambda) {
  std::optional<EvaluationReport> report;
  try_with_rows(evaluator, [&](const NodeTables& rows) {
    report = evaluator.evaluate(scored_by(rows, lambda));
  });
  return report;
}

/// False if a stop signal or the deadline came in between.
bool TrainingRun::try_with_rows(Evaluator& evaluator,
                                const std::function<void(const NodeTables&)>& use) {
  counts_ += training_.clock().reset();
  bool done = false;
  try {
    const auto phase = training_.clock().enter(Phase::kEvaluate);
    const NodeTables rows = training_.embed();
    evaluator.set_give_up([this] { return stop_reason() != 0; });
    use(rows);
    done = true;
  } catch (const Interrupted&) {
    stopping_ = true;
  }
  counts_ += all_under(Phase::kEvaluate, training_.clock().reset());
  return done;
}

void TrainingRun::report_early_stop() {
  const std::int64_t done = training_.steps_done();
  if (stopping_ || done >= last_step() || !out_of_patience(config_, progress_)) return;
  for (Observer* observer : parts_.observers)
    observer->on_early_stop(static_cast<std::int32_t>(done / training_.steps_per_epoch()),
                            progress_.evaluations_since_best);
}

void TrainingRun::save_checkpoint() {
  if (parts_.checkpoints == nullptr || saved_step_ == training_.steps_done()) return;
  const Stopwatch watch;
  CheckpointReport report = parts_.checkpoints->save(progress_);
  report.pause = watch.seconds();
  saved_step_ = report.step;
  since_saved_ = Stopwatch();
  longest_save_ = std::max(longest_save_, report.pause);
  for (Observer* observer : parts_.observers) observer->on_checkpoint(report);
}

void TrainingRun::report_ranks() {
  if (steps_ == 0) return;
  counts_ += training_.clock().reset();
  const RankReport report = gather_ranks(comm_, steps_, counts_);
  for (Observer* observer : parts_.observers) observer->on_end(report);
}

void TrainingRun::leave() {
  const std::int32_t reason = comm_.all_reduce(std::int32_t{stop_reason()}, Reduction::kMax);
  throw Interrupted(fmt::format(
      "stopped behind step {} of {} by {}", training_.steps_done(), last_step(),
      reason == kTimeIsUp ? std::string(parts_.deadline.reason()) : signal_name(reason)));
}

}  // namespace siren::inline train
