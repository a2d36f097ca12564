// SPDX-License-Identifier: Apache-2.0
#include "siren/app/run_report.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <limits>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "siren/app/model_file_report.hpp"
#include "siren/core/error.hpp"
#include "siren/core/text.hpp"
#include "siren/io/block_hashes.hpp"
#include "siren/io/run_directory.hpp"

namespace siren {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

/// A run that has written nothing for so long, and for three epochs, is not at work any more.
constexpr double kSilentSeconds = 600.0;
constexpr double kSilentEpochs = 3.0;

/// The last event of each kind in metrics.jsonl.
struct Events {
  Json memory;
  Json epoch;
  Json evaluation;
  Json best;  // evaluation on the validation split
  Json interrupted;
  Json final;
  double longest_epoch = 0.0;  // seconds
};

double ndcg(const Json& evaluation) {
  const Json value = evaluation.value("metrics", Json::object()).value("nDCG@10", Json());
  return value.is_number() ? value.get<double>() : -1.0;
}

void take(Events& events, const Json& event) {
  const std::string kind = event.value("event", "");
  if (kind == "memory") events.memory = event;
  if (kind == "resume") events.interrupted = Json();
  if (kind == "interrupted") events.interrupted = event;
  if (kind == "final") events.final = event;
  if (kind == "epoch") {
    events.epoch = event;
    events.longest_epoch = std::max(events.longest_epoch, event.value("seconds", 0.0));
  }
  if (kind != "eval") return;
  events.evaluation = event;
  if (event.value("split", "") == "valid" &&
      (events.best.is_null() || ndcg(event) > ndcg(events.best)))
    events.best = event;
}

/// The last line may be half written: the run may be at it.
Events read_events(const std::string& path) {
  Events events;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const Json event = Json::parse(line, nullptr, false);
    if (event.is_object()) take(events, event);
  }
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
  if (!events.final.is_null()) return "finished";
  if (!events.interrupted.is_null()) return "stopped";
  return silent <= std::max(kSilentSeconds, kSilentEpochs * events.longest_epoch) ? "running"
                                                                                  : "lost";
}

std::string target_of(const RunDirectory& run, const char* link) {
  std::error_code error;
  return fs::read_symlink(fs::path(run.path()) / "checkpoints" / link, error).string();
}

Json checkpoint_json(const Communicator& alone,
                     const RunDirectory& run,
                     std::int64_t step,
                     bool verify) {
  const fs::path path = run.checkpoint_path(step);
  std::error_code error;
  const std::uintmax_t bytes = fs::file_size(path, error);
  Json json{{"step", step},
            {"file", path.filename().string()},
            {"bytes", error ? 0 : static_cast<std::int64_t>(bytes)}};
  for (const char* link : {"latest", "best"}) json[link] = target_of(run, link) == path.filename();
  if (!verify) return json;
  json["valid"] = true;
  try {
    verify_block_hashes(alone, path.string());
  } catch (const InputError& problem) {
    json["valid"] = false;
    json["problem"] = problem.what();
  }
  return json;
}

/// Names of the checkpoints that a resume found damaged.
Json put_aside(const RunDirectory& run) {
  std::vector<std::string> names;
  std::error_code error;
  for (const fs::directory_entry& entry :
       fs::directory_iterator(run.path() + "/checkpoints", error))
    if (entry.path().extension() == ".damaged") names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

Json figures(const Json& evaluation) {
  Json result = Json::object();
  for (const char* key : {"epoch", "step", "split"})
    if (evaluation.contains(key)) result[key] = evaluation[key];
  const Json metrics = evaluation.value("metrics", Json::object());
  for (const char* name : {"P@10", "R@10", "nDCG@10", "Dislike@10", "AUC"})
    if (metrics.contains(name)) result[name] = metrics[name];
  return result;
}

/// What a person would type now.
std::string next_command(const std::string& state, const std::string& path, std::int64_t ranks) {
  if (state == "finished") return fmt::format("siren recommend --run {} --all --top 10", path);
  if (state == "running") return fmt::format("tail -f {}/log.txt", path);
  const std::string launcher = ranks > 1 ? fmt::format("mpirun -n {} ", ranks) : "";
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
  if (!fs::exists(run.config_path()))
    throw InputError(
        fmt::format("{}: a directory, but no run of siren (no config.ini in it)", path));
  const Events events = read_events(run.metrics_path());
  const double silent = seconds_since_last_write(run);
  const std::string state = state_of(events, silent);
  const std::int64_t ranks = events.memory.is_null() ? 1 : events.memory.value("ranks", 1);
  const std::vector<std::int64_t> steps = run.checkpoint_steps();
  const std::int64_t newest = steps.empty() ? 0 : steps.front();
  Json json{{"kind", "run"}, {"path", path}, {"state", state}};
  if (!events.interrupted.is_null()) json["reason"] = events.interrupted.value("reason", "");
  json["epoch"] = events.epoch.is_null() ? 0 : events.epoch.value("epoch", 0);
  json["step"] = std::max(newest, events.epoch.is_null() ? 0 : events.epoch.value("step", newest));
  json["seconds_since_last_write"] = silent;
  json["ranks"] = ranks;
  json["command"] = fmt::format("siren train --config {} --run NEW", run.config_path());
  json["settings"] = essential_settings(run.config());
  for (const char* key : {"loss", "seconds"})
    if (!events.epoch.is_null()) json["last_epoch"][key] = events.epoch.value(key, Json());
  if (!events.evaluation.is_null()) json["last_evaluation"] = figures(events.evaluation);
  if (!events.best.is_null()) json["best_evaluation"] = figures(events.best);
  if (!events.final.is_null()) json["final"] = figures(events.final);
  json["checkpoints"] = Json::array();
  for (const std::int64_t step : steps)
    json["checkpoints"].push_back(checkpoint_json(alone, run, step, verify));
  json["damaged"] = put_aside(run);
  json["next"] = next_command(state, path, ranks);
  return json;
}

std::string describe_run(const Json& json) {
  std::string text;
  const auto line = [&](const std::string& name, const std::string& what) {
    text += fmt::format("{:<11}{}\n", name, what);
  };
  line("file", fmt::format("{}: run of {} rank(s)", json["path"].get<std::string>(),
                           json["ranks"].get<std::int64_t>()));
  line("state", state_text(json));
  line("settings", figures_text(json["settings"]));
  if (json.contains("last_epoch")) line("last epoch", figures_text(json["last_epoch"]));
  if (json.contains("last_evaluation")) line("last eval", figures_text(json["last_evaluation"]));
  if (json.contains("best_evaluation")) line("best eval", figures_text(json["best_evaluation"]));
  if (json.contains("final")) line("final", figures_text(json["final"]));
  for (const Json& checkpoint : json["checkpoints"])
    line("checkpoint", checkpoint_text(checkpoint));
  if (json["checkpoints"].empty()) line("checkpoint", "none yet");
  for (const Json& name : json["damaged"]) line("put aside", name.get<std::string>());
  line("repeat", json["command"].get<std::string>());
  line("next", json["next"].get<std::string>());
  return text;
}

}  // namespace siren
