// SPDX-License-Identifier: Apache-2.0
#include <cstdio>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "app/check_start.hpp"
#include "app/commands.hpp"
#include "app/common_options.hpp"
#include "app/train_options.hpp"
#include "core/terminal.hpp"
#include "events/json.hpp"
#include "observe/bench.hpp"
#include "siren/error.hpp"
#include "siren/version.hpp"
#include "train/session.hpp"
#include "train/threads.hpp"

namespace siren::inline app {

namespace {

struct BenchCommand {
  RunConfig config;
  BenchOptions bench;
  std::string overlap = "on";
  bool ranking = false;
  bool json = false;
  OptionParser options{
      "bench", "--data FILE [options]",
      "Times training steps, phase by phase, and compares with the machine's limits."};

  BenchCommand() {
    declare_model_options(options, config);
    declare_hang_timeout(options);
    options.section("Measurement");
    options.number("steps", bench.steps, {1}, "N", "steps to time");
    options.number("warm-up", bench.warm_up, {1}, "N", "steps before those");
    options.text("overlap", overlap, "on|off", "off: wait for rows as soon as they leave");
    options.flag("ranking", ranking, "also time the ranking of all items for every test user");
    options.flag("json", json, "print JSON");
  }

  /// False if only help was wanted.
  bool parse(std::span<const std::string> args) {
    if (!options.parse(args)) return false;
    apply_preset(options, config);
    options.apply();
    check_applicable(options, config);
    validate(config);
    if (overlap != "on" && overlap != "off")
      throw InputError(fmt::format("--overlap {}: unknown; use on or off", overlap));
    config.train.overlap = overlap == "on";
    return true;
  }
};

std::string batch_of(const TrainConfig& config) {
  if (config.loss == LossKind::kSoftmax)
    return fmt::format("{} users against {}", config.batch_users,
                       config.shared_negatives == 0
                           ? "all items"
                           : fmt::format("{} draws", config.shared_negatives));
  return fmt::format("B = {}, K = {}", config.batch, config.negatives);
}

/// Ranked once before it is timed: the first time touches new memory.
EvaluationReport time_ranking(Evaluator& evaluator, Training& training) {
  const NodeTables rows = training.embed();
  evaluator.evaluate(scored_by(rows, kPlainLambda));
  return evaluator.evaluate(scored_by(rows, kPlainLambda));
}

}  // namespace

int run_bench(const Communicator& comm, CommandArgs args) {
  BenchCommand command;
  if (!parse_together(comm, [&] { return command.parse(args); }))
    return static_cast<int>(ExitCode::kDone);
  check_same_options(comm, command.options.config_text());
  const TrainConfig& config = command.config.train;
  const int threads = set_threads(comm, config.threads);
  Session session(comm, command.config.data, config);
  const std::unique_ptr<Evaluator> evaluator =
      command.ranking ? session.make_evaluator("test") : nullptr;
  Training& training = session.start_training();
  const BenchReport report = bench(comm, training, command.bench);

  nlohmann::ordered_json json = {{"version", kVersion},
                                 {"data", command.config.data.data},
                                 {"ranks", comm.size()},
                                 {"threads", threads},
                                 {"storage", name_of(config.storage)},
                                 {"isa", name_of(session.isa())},
                                 {"overlap", config.overlap}};
  json.update(to_json(report));
  std::string text =
      fmt::format("{} rank(s) x {} thread(s), {}, {}: {}, L = {}, d = {}\n", comm.size(), threads,
                  name_of(config.storage), name_of(session.isa()), batch_of(config), config.layers,
                  config.dimension) +
      format_report(report);
  if (evaluator != nullptr) {
    const EvaluationReport ranking = time_ranking(*evaluator, training);
    json["ranking"] = {{"users", ranking.users}, {"seconds", ranking.seconds}};
    text += fmt::format("ranking    {} users in {:.3f} s\n", ranking.users, ranking.seconds);
  }
  if (comm.is_root() && command.json) print_json(json, 2);
  if (comm.is_root() && !command.json) print_lines(text);
  return static_cast<int>(ExitCode::kDone);
}

}  // namespace siren::inline app
