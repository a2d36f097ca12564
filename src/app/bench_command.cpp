// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "app/check_start.hpp"
#include "app/commands.hpp"
#include "app/common_options.hpp"
#include "app/train_options.hpp"
#include "comm/link_trial.hpp"
#include "core/host.hpp"
#include "core/terminal.hpp"
#include "events/json.hpp"
#include "io/atomic_file.hpp"
#include "io/output_guard.hpp"
#include "math/matrix.hpp"
#include "math/precision.hpp"
#include "observe/bench.hpp"
#include "observe/machine.hpp"
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
  std::string machine_file;
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
    options.text("machine-file", machine_file, "FILE",
                 "also describe the machine there, for siren plan --machine");
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

/// Of nodes like this one, with ranks and threads as they are. Phases that compute say how far from its
/// limits the program is.
Machine measured_machine(const Communicator& comm, const TrainConfig& config, int threads,
                         const BenchReport& report) {
  const auto ranks = static_cast<double>(comm.ranks_on_node());
  double seconds = 0.0;
  double least = 0.0;
  for (const Phase phase :
       {Phase::kSample, Phase::kProduct, Phase::kDense, Phase::kLoss, Phase::kAdam}) {
    seconds += report.phases[static_cast<std::size_t>(phase)].mean_seconds;
    least += report.least[static_cast<std::size_t>(phase)];
  }
  Machine machine;
  machine.cores_per_node = ranks * threads;
  machine.ranks_per_node = ranks;
  machine.memory_per_node = static_cast<double>(available_memory());
  machine.gather_seconds = report.limits.gather_seconds * threads;
  machine.gather_row_bytes =
      static_cast<double>(padded(config.dimension) * number_bytes(config.storage).stored);
  machine.bytes_per_second = report.limits.bytes_per_second / threads;
  machine.flops_per_second = report.limits.flops_per_second / threads;
  machine.exps_per_second = report.limits.exps_per_second / threads;
  machine.of_limits = std::max(seconds / least, 1.0);
  const LinkTrials links = try_links(comm);
  machine.in_node = {links.in_node.bytes_per_second, links.in_node.latency_seconds};
  machine.between_nodes = {links.between_nodes.bytes_per_second,
                           links.between_nodes.latency_seconds};
  return machine;
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
  agree_on_input(comm, [&] {
    if (comm.is_root() && !command.machine_file.empty())
      guard_output(command.machine_file, FileKind::kMachine, {});
  });
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
  if (!command.machine_file.empty()) {
    const Machine machine = measured_machine(comm, session.config(), threads, report);
    if (comm.is_root()) write_text_file(command.machine_file, print_machine(machine));
  }
  if (comm.is_root() && command.json) print_json(json, 2);
  if (comm.is_root() && !command.json) print_lines(text);
  return static_cast<int>(ExitCode::kDone);
}

}  // namespace siren::inline app
