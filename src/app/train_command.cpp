// SPDX-License-Identifier: Apache-2.0
#include "siren/app/train_command.hpp"

#include <cstdio>
#include <numeric>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "siren/app/parse_together.hpp"
#include "siren/app/progress.hpp"
#include "siren/app/train_options.hpp"
#include "siren/comm/environment.hpp"
#include "siren/core/log.hpp"
#include "siren/core/text.hpp"
#include "siren/core/version.hpp"
#include "siren/io/run_directory.hpp"
#include "siren/train/metrics_log.hpp"
#include "siren/train/run.hpp"
#include "siren/train/session.hpp"

namespace siren {

namespace {

struct TrainCommand {
  RunConfig config;
  OptionParser options{"train", "--data FILE --run DIR [options]",
                       "Trains a model; start it with mpirun or srun for several ranks."};

  TrainCommand() { declare_run_options(options, config); }

  /// False if only help was wanted.
  bool parse(std::span<const std::string> args) {
    if (!options.parse(args)) return false;
    apply_preset(options, config);
    options.apply();
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

/// The split to watch during training: the one asked for, or validation if there is any.
std::string watched_split(const TrainConfig& config, const Session& session) {
  const std::string split = session.default_split();
  return config.eval_split.empty() ? split : config.eval_split;
}

void train(const Communicator& comm, TrainCommand& command) {
  const TrainConfig& config = command.config.train;
  const int threads = set_threads(comm, config.threads);
  Session session(comm, command.config.data, config);
  const std::string split = watched_split(config, session);
  const std::unique_ptr<Evaluator> evaluator = session.make_evaluator(split);

  const RunDirectory directory(config.run);
  const std::string config_text = command.options.config_text();
  agree_on_input(comm, [&] {
    if (comm.is_root()) directory.create(config_text);
  });
  std::unique_ptr<MetricsLog> metrics;
  if (comm.is_root()) {
    also_log_to_file(directory.log_path());
    metrics = std::make_unique<MetricsLog>(directory.metrics_path(), config.log_steps);
  }
  report_start(comm, session, threads);
  Training& training = session.start_training();
  const nlohmann::ordered_json memory = report_memory(comm, training);

  std::vector<Observer*> observers;
  Progress bar(training.steps_done(),
               std::min(training.steps_per_epoch() * config.epochs,
                        config.max_steps.value_or(training.steps_per_epoch() * config.epochs)));
  if (comm.is_root()) {
    metrics->write(memory);
    observers = {metrics.get(), &bar};
  }
  const auto save = [&](std::int64_t step, const RunProgress& progress) {
    const std::string path = directory.checkpoint_path(step);
    const WrittenFile written = session.save(path, config_text, progress);
    if (comm.is_root()) {
      directory.set_latest(step);
      if (progress.best_step == step) directory.set_best(step);
      directory.remove_old_checkpoints(config.keep);
    }
    return CheckpointReport{step, path, written.seconds, written.bytes};
  };
  TrainingRun run(comm, config, training, evaluator.get(), save, observers);
  run.run();

  const std::int64_t best = run.progress().best_step;
  if (best != 0 && best != training.steps_done())
    session.load_parameters(directory.checkpoint_path(best));
  const std::unique_ptr<Evaluator> final_judge =
      split == "test" ? nullptr : session.make_evaluator("test");
  const EvaluationReport report = run.evaluate(final_judge ? *final_judge : *evaluator);
  if (!comm.is_root()) return;
  nlohmann::ordered_json event = {{"event", "final"},
                                  {"step", best != 0 ? best : training.steps_done()}};
  event.update(to_json(report));
  metrics->write(event);
  std::fputs(format_report(report).c_str(), stdout);
}

}  // namespace

int run_train(const Communicator& comm, std::span<const std::string> args) {
  TrainCommand command;
  if (parse_together(comm, [&] { return command.parse(args); })) train(comm, command);
  return static_cast<int>(ExitCode::kDone);
}

}  // namespace siren
