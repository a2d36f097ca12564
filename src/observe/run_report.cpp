// SPDX-License-Identifier: Apache-2.0
#include "observe/run_report.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <optional>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/text.hpp"
#include "events/events.hpp"
#include "io/block_hashes.hpp"
#include "observe/model_file_report.hpp"
#include "siren/error.hpp"
#include "train/run_directory.hpp"

namespace siren::inline observe {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

/// A run that has written nothing for so long, and for three epochs, is not at work any more.
constexpr double kSilentSeconds = 600.0;
constexpr double kSilentEpochs = 3.0;

/// What the events of metrics.jsonl say, each kind's last.
struct Events {
  std::int64_t ranks = 1;
  std::int64_t epoch = 0;
  std::int64_t step = 0;
  double longest_epoch = 0.0;  // seconds
  std::optional<EpochReport> last_epoch;
  std::optional<EvalEvent> evaluation;
  std::optional<EvalEvent> best;  // of the evaluations on the validation split
  std::optional<FinalEvent> final;
  std::string end;  // "stopped" or "failed"; empty: it said nothing of the kind
  std::string reason;
};

/// Adds the split and the usual metrics.
Json with_figures(Json json, const EvaluationReport& report) {
  json["split"] = report.split;
  for (const std::string_view name :
       {"P@10", "R@10", "nDCG@10", "Dislike@10", "Dislike share@10", "AUC"})
    for (const Figure& figure : report.metrics)
      if (figure.name == name) json[figure.name] = figure.value;
  return json;
}

/// NaN is worse than any.
double ndcg(const EvalEvent& event) {
  const double value = event.report.metric_or_nan("nDCG@10");
  return std::isnan(value) ? -1.0 : value;
}

void take(Events& events, const EpochReport& event) {
  events.epoch = event.epoch;
  events.step = event.step;
  events.longest_epoch = std::max(events.longest_epoch, event.seconds);
  events.last_epoch = event;
}

void take(Events& events, const EvalEvent& event) {
  events.evaluation = event;
  if (event.report.split != "valid") return;
  if (!events.best || ndcg(event) > ndcg(*events.best)) events.best = event;
}

/// None, if the run has not come so far. The last line may be half written: the run may be at it.
Events read_events(const RunDirectory& run) {
  Events events;
  const auto end = [&](const char* how, const std::string& reason) {
    events.end = how;
    events.reason = reason;
  };
  run.each_event([&](const Event& any) {
    std::visit(
        Match{[&](const MemoryEvent& event) { events.ranks = event.ranks; },
              [&](const EpochReport& event) { take(events, event); },
              [&](const EvalEvent& event) { take(events, event); },
              [&](const FinalEvent& event) { events.final = event; },
              [&](const ResumeEvent&) { events.end.clear(); },
              [&](const InterruptedEvent& event) { end("stopped", event.reason); },
              [&](const FailedEvent& event) { end("failed", event.reason); }, [](const auto&) {}},
        any);
  });
  return events;
}

double seconds_since(const fs::path& path) {
  std::error_code error;
  const fs::file_time_type written = fs::last_write_time(path, error);
  if (error) return std::numeric_limits<double>::infinity();
  const std::chrono::duration<double> age = fs::file_time_type::clock::now() - written;
  return std::max(0.0, age.count());
}

double seconds_since_last_write(const RunDirectory& run) {
  double least = seconds_since(run.config_path());
  for (const std::string& path : {run.metrics_path(), run.log_path(), run.path() + "/checkpoints"})
    least = std::min(least, seconds_since(path));
  return least;
}

std::string state_of(const Events& events, double silent) {
  if (events.final) return "finished";
  if (!events.end.empty()) return events.end;
  return silent <= std::max(kSilentSeconds, kSilentEpochs * events.longest_epoch) ? "running"
                                                                                  : "lost";
}

/// Steps.
struct Pointers {
  std::optional<std::int64_t> latest;
  std::optional<std::int64_t> best;
};

/// Null if the run has removed it meanwhile.
Json checkpoint_json(const Communicator& alone, const RunDirectory& run, const Pointers& pointers,
                     std::int64_t step, bool verify) {
  const fs::path path = run.checkpoint_path(step);
  std::error_code error;
  const std::uintmax_t bytes = fs::file_size(path, error);
  if (error) return {};
  Json json{{"step", step},
            {"file", path.filename().string()},
            {"bytes", static_cast<std::int64_t>(bytes)}};
  json["latest"] = step == pointers.latest;
  json["best"] = step == pointers.best;
  if (!verify) return json;
  json["valid"] = true;
  try {
    verify_block_hashes(alone, path.string());
  } catch (const InputError& problem) {
    if (!fs::exists(path, error)) return {};
    json["valid"] = false;
    json["problem"] = problem.what();
  }
  return json;
}

/// Names of the checkpoints that a resume found damaged.
Json put_aside(const RunDirectory& run) {
  std::vector<std::string> names;
  std::error_code error;
  fs::directory_iterator entry(run.checkpoints_path(), error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error))
    if (entry->path().extension() == ".damaged") names.push_back(entry->path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

/// A tenth of the learning rate that was too high.
std::string lower_rate(const Json& settings) {
  const std::string rate = settings.value("lr", std::string());
  char* end = nullptr;
  const double value = std::strtod(rate.c_str(), &end);
  return end != rate.c_str() && value > 0.0 ? fmt::format("{:g}", value / 10.0) : "LOWER";
}

/// What a person would type now.
std::string next_command(const std::string& state, const RunDirectory& run, const Json& json) {
  const std::string path = shell_quoted(run.path());
  if (state == "finished") return fmt::format("siren recommend --run {} --all --top 10", path);
  if (state == "running") return fmt::format("tail -f {}", shell_quoted(run.log_path()));
  const auto ranks = json["ranks"].get<std::int64_t>();
  const std::string launcher = ranks > 1 ? fmt::format("mpirun -n {} ", ranks) : "";
  if (state == "failed")
    return fmt::format("{}{} --lr {}", launcher, json["command"].get<std::string>(),
                       lower_rate(json["settings"]));
  return fmt::format("{}siren train --run {} --resume", launcher, path);
}

std::string figures_text(const Json& json) {
  std::string text;
  for (const auto& [key, value] : json.items())
    text += fmt::format("{}{} {}", text.empty() ? "" : "  ", key,
                        value.is_number_float() ? fmt::format("{:.4f}", value.get<double>())
                        : value.is_string()     ? value.get<std::string>()
                                                : value.dump());
  return text;
}

std::string final_text(const Json& json) {
  if (json.value("split", "") != "none") return figures_text(json);
  return fmt::format("step {}  no test part: it was not evaluated", json["step"].dump());
}

std::string checkpoint_text(const Json& json) {
  std::string text = fmt::format("{}  {}", json["file"].get<std::string>(),
                                 human_bytes(json["bytes"].get<std::int64_t>()));
  for (const char* link : {"latest", "best"})
    if (json[link].get<bool>()) text += fmt::format("  {}", link);
  if (json.contains("problem")) return text + "  NOT VALID: " + json["problem"].get<std::string>();
  return text + (json.contains("valid") ? "  valid" : "");
}

std::string state_text(const Json& json) {
  const std::string state = json["state"];
  std::string text = fmt::format("{} at epoch {}", state, json["epoch"].get<std::int64_t>());
  if (json["settings"].contains("epochs"))
    text += " of " + json["settings"]["epochs"].get<std::string>();
  text += fmt::format(", step {}", grouped(json["step"].get<std::int64_t>()));
  if (json.contains("reason")) text += fmt::format(" ({})", json["reason"].get<std::string>());
  const std::string silent = human_seconds(json["seconds_since_last_write"].get<double>());
  if (state == "running") text += fmt::format("; last sign of life {} ago", silent);
  if (state == "lost")
    text += fmt::format("; it wrote nothing for {} and said no reason: killed, or its node lost",
                        silent);
  return text;
}

}  // namespace

Json run_as_json(const Communicator& alone, const std::string& path, bool verify) {
  const RunDirectory run(path);
  std::error_code error;
  if (!fs::exists(run.config_path(), error))
    throw InputError(
        fmt::format("{}: a directory, but no run of siren (no config.ini in it)", path));
  const Events events = read_events(run);
  const double silent = seconds_since_last_write(run);
  const std::string state = state_of(events, silent);
  const std::vector<std::int64_t> steps = run.checkpoint_steps();
  Json json{{"kind", "run"}, {"path", path}, {"state", state}};
  if (!events.end.empty()) json["reason"] = events.reason;
  json["epoch"] = events.epoch;
  json["step"] = std::max(steps.empty() ? 0 : steps.front(), events.step);
  json["seconds_since_last_write"] = silent;
  json["ranks"] = events.ranks;
  json["command"] =
      fmt::format("siren train --config {} --run NEW", shell_quoted(run.config_path()));
  json["settings"] = essential_settings(run.config(), run.config_path());
  if (events.last_epoch)
    json["last_epoch"] = {{"loss", events.last_epoch->loss},
                          {"seconds", events.last_epoch->seconds}};
  const auto of_epoch = [](const EvalEvent& event) {
    return with_figures({{"epoch", event.epoch}}, event.report);
  };
  if (events.evaluation) json["last_evaluation"] = of_epoch(*events.evaluation);
  if (events.best) json["best_evaluation"] = of_epoch(*events.best);
  if (events.final)
    json["final"] = with_figures({{"step", events.final->step}}, events.final->report);
  json["checkpoints"] = Json::array();
  Pointers pointers{run.latest(), run.best()};
  if (!pointers.latest && !steps.empty()) pointers.latest = steps.front();
  for (const std::int64_t step : steps)
    if (const Json checkpoint = checkpoint_json(alone, run, pointers, step, verify);
        !checkpoint.is_null())
      json["checkpoints"].push_back(checkpoint);
  json["damaged"] = put_aside(run);
  json["next"] = next_command(state, run, json);
  return json;
}

std::string describe_run(const Json& json) {
  std::string text;
  const auto line = [&](const std::string& name, const std::string& what) {
    text += fmt::format("{:<11}{}\n", name, printable(what));
  };
  line("file", fmt::format("{}: run of {} rank(s)", json["path"].get<std::string>(),
                           json["ranks"].get<std::int64_t>()));
  line("state", state_text(json));
  line("settings", figures_text(json["settings"]));
  if (json.contains("last_epoch")) line("last epoch", figures_text(json["last_epoch"]));
  if (json.contains("last_evaluation")) line("last eval", figures_text(json["last_evaluation"]));
  if (json.contains("best_evaluation")) line("best eval", figures_text(json["best_evaluation"]));
  if (json.contains("final")) line("final", final_text(json["final"]));
  for (const Json& checkpoint : json["checkpoints"])
    line("checkpoint", checkpoint_text(checkpoint));
  if (json["checkpoints"].empty()) line("checkpoint", "none yet");
  for (const Json& name : json["damaged"]) line("put aside", name.get<std::string>());
  line("repeat", json["command"].get<std::string>());
  line("next", json["next"].get<std::string>());
  return text;
}

}  // namespace siren::inline observe
