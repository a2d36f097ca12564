// SPDX-License-Identifier: Apache-2.0
#include "observe/run_record.hpp"

#include <cmath>
#include <filesystem>
#include <fstream>
#include <istream>
#include <limits>

#include <fmt/format.h>

#include "io/plain_file.hpp"
#include "observe/search_section.hpp"
#include "siren/error.hpp"
#include "train/run_directory.hpp"

namespace siren::inline observe {

namespace {

void take_memory(const MemoryEvent& event, RunRecord& run) {
  if (event.steps_per_epoch > 0) run.steps_per_epoch = static_cast<double>(event.steps_per_epoch);
  run.memory = event;
  run.ranks.reset();
}

void take_epoch(const EpochReport& event, RunRecord& run) {
  RecordedEpoch epoch{event};
  const auto step = static_cast<double>(event.step);
  if (run.steps_per_epoch == 0.0) run.steps_per_epoch = step / static_cast<double>(event.epoch);
  epoch.at = step / run.steps_per_epoch;
  // A run that ended inside an epoch reports it again, whole, when it goes on.
  if (!run.epochs.empty() && std::ceil(run.epochs.back().at) == std::ceil(epoch.at))
    run.epochs.pop_back();
  run.epochs.push_back(std::move(epoch));
}

void take_final(const FinalEvent& event, RunRecord& run) {
  run.final = RecordedEvaluation{event.report};
  if (run.steps_per_epoch > 0.0)
    run.final->at = static_cast<double>(event.step) / run.steps_per_epoch;
}

void take(const Event& any, RunRecord& run) {
  std::visit(Match{
                 [](const StartEvent&) {},
                 [&](const MemoryEvent& event) { take_memory(event, run); },
                 [&](const StepEvent& event) {
                   if (run.steps_per_epoch > 0.0)
                     run.step_losses.push_back(
                         {static_cast<double>(event.step) / run.steps_per_epoch, event.loss});
                 },
                 [&](const EpochReport& event) { take_epoch(event, run); },
                 [&](const EvalEvent& event) {
                   run.evaluations.push_back({event.report});
                   run.evaluations.back().at = event.epoch;
                 },
                 [&](const CheckpointReport& event) {
                   ++run.checkpoints;
                   run.checkpoint_pause += event.pause;
                 },
                 [&](const ResumeEvent&) {
                   ++run.resumes;
                   run.stopped.clear();
                   run.failed.clear();
                   run.final.reset();  // the run was made longer
                   run.lambda.reset();
                 },
                 [&](const InterruptedEvent& event) { run.stopped = event.reason; },
                 [&](const FailedEvent& event) { run.failed = event.reason; },
                 [&](const RankReport& event) { run.ranks = event; },
                 [&](const FinalEvent& event) { take_final(event, run); },
                 [&](const LambdaEvent& event) { run.lambda = event; },
             },
             any);
}

/// Of the data set of the run: one that another file has replaced since would only mislead.
void read_dataset(RunRecord& run) {
  const std::string path = run.settings.value_of("data");
  try {
    run.dataset = DatasetFile(path).summary();
  } catch (const std::runtime_error& error) {
    run.dataset_problem = error.what();
    return;
  }
  const MemoryEvent& memory = run.memory;
  const bool same = !memory.dataset_hash.empty()
                        ? run.dataset->content_hash == memory.dataset_hash
                        : !memory.train || (run.dataset->users == memory.train->users &&
                                            run.dataset->items == memory.train->items);
  if (same) return;
  run.dataset.reset();
  run.dataset_problem = fmt::format("{} is not the data set of this run any more", path);
}

void read_search(const std::string& path, RunRecord& run) {
  constexpr std::int64_t kMostBytes = std::int64_t{64} << 20;
  std::error_code error;
  if (std::filesystem::exists(path, error))
    run.candidates = read_candidates(read_small_file(path, kMostBytes), path);
}

/// "." and the like say nothing on a page.
std::string name_of_run(const std::string& directory) {
  const auto path = std::filesystem::path(directory).lexically_normal();
  if (path != "." && path != "./" && path.filename() != "..") return directory;
  return std::filesystem::canonical(path).filename().string();
}

}  // namespace

double RunRecord::epochs_done() const {
  return epochs.empty() ? 0.0 : epochs.back().at;
}

double RunRecord::seconds() const {
  double sum = 0.0;
  for (const RecordedEpoch& epoch : epochs) sum += epoch.seconds;
  return sum;
}

const RecordedEvaluation* RunRecord::shown_evaluation() const {
  if (evaluated_at_end()) return &*final;
  return evaluations.empty() ? nullptr : &evaluations.back();
}

void read_metrics(std::istream& lines, const std::string& path, RunRecord& run) {
  run.cut_short = !each_event(lines, path, [&](const Event& event) { take(event, run); });
}

RunRecord read_run(const std::string& directory) {
  const RunDirectory place(directory);
  RunRecord run;
  run.name = name_of_run(directory);
  run.settings = Settings::parse(place.config(), place.config_path());
  require_ordinary(place.metrics_path());
  std::ifstream metrics(place.metrics_path());
  if (!metrics)
    throw InputError(fmt::format("{}: cannot be read; without it there is nothing to report",
                                 place.metrics_path()));
  read_metrics(metrics, place.metrics_path(), run);
  read_search(place.stages_path() + "/results.json", run);
  read_dataset(run);
  return run;
}

}  // namespace siren::inline observe
