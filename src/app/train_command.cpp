// SPDX-License-Identifier: Apache-2.0
#include "siren/app/train_command.hpp"

#include <cstdio>
#include <numeric>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "siren/app/parse_together.hpp"
#include "siren/app/progress.hpp"
#include "siren/app/stored_run.hpp"
#include "siren/app/train_options.hpp"
#include "siren/comm/environment.hpp"
#include "siren/core/log.hpp"
#include "siren/core/text.hpp"
#include "siren/core/version.hpp"
#include "siren/io/run_directory.hpp"
#include "siren/train/metrics_log.hpp"
#include "siren/train/run.hpp"
#include "siren/train/run_checkpoints.hpp"
#include "siren/train/session.hpp"

namespace siren {

namespace {

struct TrainCommand {
  RunConfig config;
  bool resume = false;
  OptionParser options{"train", "--data FILE --run DIR [options] | --run DIR --resume",
                       "Trains a model; start it with mpirun or srun for several ranks."};

  TrainCommand() {
    declare_run_options(options, config);
    options.custom(
        "resume", [this](const OptionText& option) { resume = parse_bool(option); },
        [] { return std::string(); }, "", "continue the run in --run, on any number of ranks");
  }

  /// False if only help was wanted.
  bool parse(std::span<const std::string> args) {
    if (!options.parse(args)) return false;
    if (options.given("resume")) {
      apply_to_stored(options, config);
    } else {
      apply_preset(options, config);
      options.apply();
    }
    validate(config);
    if (config.train.run.empty())
      throw InputError("--run is missing: name the directory for this run's results");
    return true;
  }
};

void report_start(const Communicator& comm, const Session& session, int threads) {
  const TrainingSet& train = session.loaded().train;
  spdlog::info("siren {} on {} rank(s) x {} thread(s), {}, {}", kVersion, comm.size(), threads,
               name_of(session.isa()), mpi_library_version());
  spdlog::info("{} users, {} items; train: {} liked, {} disliked, {} neither (offset {})",
               grouped(train.users), grouped(train.items), grouped(train.liked),
               grouped(train.disliked), grouped(train.neutral), session.offset());
}

/// Largest share of any rank, by kind.
nlohmann::ordered_json report_memory(const Communicator& comm, const Training& training) {
  nlohmann::ordered_json event = {{"event", "memory"}, {"ranks", comm.size()}};
  std::int64_t total = 0;
  std::vector<std::string> parts;
  for (const MemoryUse& use : training.memory()) {
    const std::int64_t most = comm.all_reduce(use.bytes, Reduction::kMax);
    event["bytes_per_rank"][use.kind] = most;
    parts.push_back(fmt::format("{} {}", use.kind, human_bytes(most)));
    total += most;
  }
  const std::int64_t rows = comm.all_reduce(training.rows_sent_per_layer(), Reduction::kSum);
  event["rows_sent_per_layer"] = rows;
  spdlog::info("memory per rank, at most {}: {}", human_bytes(total), fmt::join(parts, ", "));
  spdlog::info("{} rows cross ranks per layer", grouped(rows));
  return event;
}

std::int64_t total_steps(const Training& training, const TrainConfig& config) {
  const std::int64_t all = training.steps_per_epoch() * config.epochs;
  return std::min(all, config.max_steps.value_or(all));
}

/// The split to watch during training: the one asked for, or validation if there is any.
std::string watched_split(const TrainConfig& config, const Session& session) {
  const std::string split = session.default_split();
  return config.eval_split.empty() ? split : config.eval_split;
}

/// The run directory of a new run, or that of the run to continue.
RunDirectory open_directory(const Communicator& comm, const TrainCommand& command) {
  const RunDirectory directory(command.config.train.run);
  agree_on_input(comm, [&] {
    if (!command.resume && comm.is_root()) directory.create(command.options.config_text());
  });
  if (comm.is_root()) also_log_to_file(directory.log_path());
  return directory;
}

/// The progress of the run to continue; that of a new one otherwise.
RunProgress take_up(const Communicator& comm,
                    const TrainCommand& command,
                    const RunDirectory& directory,
                    RunCheckpoints& checkpoints) {
  if (!command.resume) return {};
  const std::optional<RunProgress> progress = checkpoints.resume();
  agree_on_input(comm, [&] {
    if (!comm.is_root()) return;
    if (!progress) directory.cut_metrics(0);
    const std::string config = command.options.config_text();
    if (config != directory.config()) directory.rewrite_config(config);
  });
  if (!progress) spdlog::warn("no checkpoint was saved before: the run starts from the beginning");
  return progress.value_or(RunProgress{});
}

/// The best model by the validation split, if there is one, else the present one.
EvaluationReport judge_at_end(TrainingRun& run,
                              Session& session,
                              RunCheckpoints& checkpoints,
                              Evaluator& present) {
  const std::int64_t best = run.progress().best_step;
  if (best != 0 && best != session.training().steps_done()) checkpoints.load_parameters(best);
  if (present.split() == "test") return run.evaluate(present);
  return run.evaluate(*session.make_evaluator("test"));
}

ExitCode train(const Communicator& comm, TrainCommand& command) {
  const TrainConfig& config = command.config.train;
  RunParts parts;
  if (comm.is_root())
    parts.deadline =
        Deadline(config.time_limit.empty() ? std::nullopt
                                           : std::optional(parse_time_limit(config.time_limit)),
                 end_of_batch_job());
  const int threads = set_threads(comm, config.threads);
  Session session(comm, command.config.data, config);
  const std::unique_ptr<Evaluator> evaluator =
      session.make_evaluator(watched_split(config, session));
  const RunDirectory directory = open_directory(comm, command);
  report_start(comm, session, threads);
  Training& training = session.start_training();
  RunCheckpoints checkpoints(comm, session, directory, command.options.config_text(), config.keep);
  const RunProgress progress = take_up(comm, command, directory, checkpoints);
  const nlohmann::ordered_json memory = report_memory(comm, training);

  std::unique_ptr<MetricsLog> metrics;
  Progress bar(training.steps_done(), total_steps(training, config));
  if (comm.is_root()) {
    metrics = std::make_unique<MetricsLog>(directory.metrics_path(), config.log_steps);
    if (command.resume)
      metrics->write(
          {{"event", "resume"}, {"step", training.steps_done()}, {"ranks", comm.size()}});
    metrics->write(memory);
    parts.observers = {metrics.get(), &bar};
  }
  parts.evaluator = evaluator.get();
  parts.checkpoints = &checkpoints;
  TrainingRun run(comm, config, training, parts, progress);
  try {
    run.run();
  } catch (const Interrupted& reason) {
    spdlog::warn("{}; continue with: siren train --run {} --resume", reason.what(), config.run);
    if (comm.is_root())
      metrics->write(
          {{"event", "interrupted"}, {"step", training.steps_done()}, {"reason", reason.what()}});
    return ExitCode::kInterrupted;
  }
  const EvaluationReport report = judge_at_end(run, session, checkpoints, *evaluator);
  if (!comm.is_root()) return ExitCode::kDone;
  const std::int64_t best = run.progress().best_step;
  nlohmann::ordered_json event = {{"event", "final"},
                                  {"step", best != 0 ? best : training.steps_done()}};
  event.update(to_json(report));
  metrics->write(event);
  std::fputs(format_report(report).c_str(), stdout);
  return ExitCode::kDone;
}

}  // namespace

int run_train(const Communicator& comm, std::span<const std::string> args) {
  TrainCommand command;
  if (!parse_together(comm, [&] { return command.parse(args); }))
    return static_cast<int>(ExitCode::kDone);
  return static_cast<int>(train(comm, command));
}

}  // namespace siren
