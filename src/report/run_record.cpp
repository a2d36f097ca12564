// SPDX-License-Identifier: Apache-2.0
#include "siren/report/run_record.hpp"

#include <cmath>
#include <fstream>
#include <istream>
#include <limits>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "siren/core/error.hpp"
#include "siren/io/json_lines.hpp"
#include "siren/io/plain_file.hpp"
#include "siren/io/run_directory.hpp"

namespace siren {

namespace {

using Json = nlohmann::ordered_json;

/// null stands for NaN. No figure of a run is so large that sums of it could overflow.
double number(const Json& json) {
  constexpr double kMost = 1e300;
  if (json.is_null()) return std::numeric_limits<double>::quiet_NaN();
  const auto value = json.get<double>();
  if (!(std::abs(value) < kMost)) throw InputError(fmt::format("{} is no figure of a run", value));
  return value;
}

double number_or(const Json& json, const char* key, double otherwise) {
  return json.contains(key) ? number(json.at(key)) : otherwise;
}

int rank_count(const Json& json) {
  constexpr std::int64_t kMost = 1 << 24;
  const std::int64_t ranks = whole_number(json);
  if (ranks < 0 || ranks > kMost) throw InputError(fmt::format("{} ranks", ranks));
  return static_cast<int>(ranks);
}

std::vector<NamedValue> named_values(const Json& json) {
  std::vector<NamedValue> values;
  for (const auto& [name, value] : json.items()) values.push_back({name, number(value)});
  return values;
}

std::vector<double> values_of(const Json& json, std::size_t ranks) {
  std::vector<double> values;
  for (const Json& value : json) values.push_back(number(value));
  if (ranks == 0 || values.size() != ranks)
    throw InputError(fmt::format("{} values for {} ranks", values.size(), ranks));
  return values;
}

/// {"name": [a value a rank]}
std::vector<ByRank> by_rank(const Json& json, std::size_t ranks) {
  std::vector<ByRank> all;
  for (const auto& [name, values] : json.items()) all.push_back({name, values_of(values, ranks)});
  return all;
}

void take_memory(const Json& event, RunRecord& run) {
  run.ranks = rank_count(event.at("ranks"));
  run.memory = named_values(event.at("bytes_per_rank"));
  run.rows_sent_per_layer = number(event.at("rows_sent_per_layer"));
  run.steps_per_epoch = number_or(event, "steps_per_epoch", run.steps_per_epoch);
  if (event.contains("train")) {
    const Json& train = event.at("train");
    const auto count = [&](const char* name) { return whole_number(train.at(name)); };
    run.train = TrainFacts{count("users"),    count("items"),   count("liked"),
                           count("disliked"), count("neither"), number(train.at("offset"))};
  }
  run.dataset_hash = event.value("dataset_hash", std::string());
  run.shares.clear();
  if (event.contains("by_rank"))
    run.shares = by_rank(event.at("by_rank"), static_cast<std::size_t>(run.ranks));
  run.seconds_by_phase.clear();
  run.bytes_sent.clear();
  run.slowest.clear();
}

void take_epoch(const Json& event, RunRecord& run) {
  EpochRecord epoch;
  const double step = number(event.at("step"));
  if (run.steps_per_epoch == 0.0) run.steps_per_epoch = step / number(event.at("epoch"));
  epoch.at = step / run.steps_per_epoch;
  epoch.loss = number(event.at("loss"));
  epoch.reg = number(event.at("reg"));
  epoch.seconds = number(event.at("seconds"));
  epoch.ratings = number(event.at("ratings"));
  for (const auto& [name, use] : event.at("phases").items())
    epoch.phases.push_back({name, number(use.at("min")), number(use.at("mean")),
                            number(use.at("max")), number(use.at("bytes"))});
  // A run that ended inside an epoch reports it again, whole, when it goes on.
  if (!run.epochs.empty() && std::ceil(run.epochs.back().at) == std::ceil(epoch.at))
    run.epochs.pop_back();
  run.epochs.push_back(std::move(epoch));
}

RecordedEvaluation evaluation_of(const Json& event) {
  RecordedEvaluation evaluation;
  evaluation.split = event.at("split").get<std::string>();
  evaluation.users = number(event.at("users"));
  evaluation.seconds = number(event.at("seconds"));
  evaluation.metrics = named_values(event.at("metrics"));
  for (const auto& [name, group] : event.at("groups").items())
    evaluation.groups.push_back(
        {name, number(group.at("users")), named_values(group.at("metrics"))});
  evaluation.exposure = named_values(event.at("exposure"));
  return evaluation;
}

void take_evaluation(const Json& event, RunRecord& run) {
  run.evaluations.push_back(evaluation_of(event));
  run.evaluations.back().at = number(event.at("epoch"));
}

void take_final(const Json& event, RunRecord& run) {
  run.final = evaluation_of(event);
  run.final->at = run.steps_per_epoch > 0.0 ? number(event.at("step")) / run.steps_per_epoch : 0.0;
}

void take_ranks(const Json& event, RunRecord& run) {
  const auto ranks = static_cast<std::size_t>(rank_count(event.at("ranks")));
  run.seconds_by_phase.clear();
  for (const auto& [name, use] : event.at("phases").items())
    run.seconds_by_phase.push_back({name, values_of(use.at("seconds"), ranks)});
  run.bytes_sent = values_of(event.at("bytes"), ranks);
  if (ranks < 2) return;
  const Json& slowest = event.at("slowest");
  run.slowest = fmt::format(
      "Most work had rank {} on {}: {:.2f} times the mean; {:.1f} % of the time of all ranks was "
      "waiting.",
      whole_number(slowest.at("rank")), slowest.at("host").get<std::string>(),
      number(slowest.at("of_mean")), 100.0 * number(event.at("wait_share")));
}

void take(const Json& event, RunRecord& run) {
  const std::string kind = event.at("event").get<std::string>();
  if (kind == "memory") {
    take_memory(event, run);
  } else if (kind == "step") {
    if (run.steps_per_epoch > 0.0)
      run.step_losses.push_back(
          {number(event.at("step")) / run.steps_per_epoch, number(event.at("loss"))});
  } else if (kind == "epoch") {
    take_epoch(event, run);
  } else if (kind == "eval") {
    take_evaluation(event, run);
  } else if (kind == "ranks") {
    take_ranks(event, run);
  } else if (kind == "final") {
    take_final(event, run);
  } else if (kind == "checkpoint") {
    ++run.checkpoints;
    run.checkpoint_pause += number_or(event, "pause", 0.0);
  } else if (kind == "resume") {
    ++run.resumes;
    run.stopped.clear();
    run.failed.clear();
    run.final.reset();  // the run was made longer
  } else if (kind == "interrupted") {
    run.stopped = event.at("reason").get<std::string>();
  } else if (kind == "failed") {
    run.failed = event.at("reason").get<std::string>();
  }
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
  const bool same =
      !run.dataset_hash.empty() ? run.dataset->content_hash == run.dataset_hash
      : run.train ? run.dataset->users == run.train->users && run.dataset->items == run.train->items
                  : true;
  if (same) return;
  run.dataset.reset();
  run.dataset_problem = fmt::format("{} is not the data set of this run any more", path);
}

}  // namespace

double RecordedEvaluation::metric(std::string_view name) const {
  for (const NamedValue& figure : metrics)
    if (figure.name == name) return figure.value;
  return std::numeric_limits<double>::quiet_NaN();
}

double RunRecord::epochs_done() const {
  return epochs.empty() ? 0.0 : epochs.back().at;
}

double RunRecord::seconds() const {
  double sum = 0.0;
  for (const EpochRecord& epoch : epochs) sum += epoch.seconds;
  return sum;
}

const RecordedEvaluation* RunRecord::shown_evaluation() const {
  if (judged_at_end()) return &*final;
  return evaluations.empty() ? nullptr : &evaluations.back();
}

void read_metrics(std::istream& lines, const std::string& path, RunRecord& run) {
  run.cut_short = !each_event(lines, path, [&](const Json& event) { take(event, run); });
}

RunRecord read_run(const std::string& directory) {
  const RunDirectory place(directory);
  RunRecord run;
  run.name = directory;
  run.settings = Settings::parse(place.config(), place.config_path());
  require_ordinary(place.metrics_path());
  std::ifstream metrics(place.metrics_path());
  if (!metrics)
    throw InputError(fmt::format("{}: cannot be read; without it there is nothing to report",
                                 place.metrics_path()));
  read_metrics(metrics, place.metrics_path(), run);
  read_dataset(run);
  return run;
}

}  // namespace siren
