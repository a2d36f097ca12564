// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cstdio>
#include <numeric>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "app/commands.hpp"
#include "app/common_options.hpp"
#include "app/cv_grid.hpp"
#include "app/train_options.hpp"
#include "core/terminal.hpp"
#include "core/text.hpp"
#include "distributed/graph_count.hpp"
#include "events/json.hpp"
#include "observe/bench.hpp"
#include "observe/rank_plan.hpp"
#include "train/session.hpp"
#include "train/threads.hpp"

namespace siren::inline app {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::int64_t kMostRanks = 4096;

struct PlanCommand {
  RunConfig config;
  std::string ranks = "1,2,4,8";
  double bandwidth = 0.0;
  bool json = false;
  OptionParser options{
      "plan", "--data FILE [--ranks P,P,...] [options]",
      "Predicts memory, rows sent, balance and step time by trial partitions, in one "
      "process.\nOptions of `siren train` are taken, too: --fold, --preset, --dim, "
      "--partition, ..."};

  PlanCommand() {
    options.section("Plan");
    options.text("ranks", ranks, "P,P,...", "numbers of ranks");
    options.number("bandwidth", bandwidth, {0.0, 1e6}, "GBIT",
                   "of a rank's connection, Gbit/s (0: sending takes no time)");
    options.flag("json", json, "print JSON");
    options.hide_the_rest();
    declare_run_options(options, config);
  }

  /// False if only help was wanted.
  bool parse(std::span<const std::string> args) {
    if (!options.parse(args)) return false;
    apply_preset(options, config);
    options.apply();
    check_applicable(options, config);
    validate(config);
    for (const std::int64_t count : parse_numbers("--ranks", ranks, 1))
      if (count > kMostRanks)
        throw InputError(fmt::format("--ranks {}: at most {}", count, kMostRanks));
    return true;
  }
};

/// What is said of one number of ranks.
struct PlanLine {
  std::int64_t ranks = 1;
  std::vector<MemoryUse> memory;  // largest of any rank, kind by kind, as train prints it
  std::int64_t bytes = 0;         // of the rank with most, rows of a batch included
  std::int64_t rows_sent = 0;     // per layer, all ranks
  std::int64_t bytes_sent = 0;    // per step, all ranks
  double edge_balance = 1.0;      // most of a rank / mean
  double rating_balance = 1.0;
  double compute_seconds = 0.0;  // of the slowest rank
  double wire_seconds = 0.0;
};

double balance(std::span<const RankPlan> plans, std::int64_t RankPlan::*count) {
  std::int64_t most = 0;
  std::int64_t all = 0;
  for (const RankPlan& plan : plans) {
    most = std::max(most, plan.*count);
    all += plan.*count;
  }
  return static_cast<double>(most) * static_cast<double>(plans.size()) / static_cast<double>(all);
}

PlanLine summarise(std::span<const RankPlan> plans, const MachineLimits& limits, double bandwidth) {
  constexpr double kBytesPerGbit = 1e9 / 8.0;
  PlanLine line;
  line.ranks = std::ssize(plans);
  line.memory = plans.front().memory;
  for (const RankPlan& plan : plans) {
    for (std::size_t kind = 0; kind < line.memory.size(); ++kind)
      line.memory[kind].bytes = std::max(line.memory[kind].bytes, plan.memory[kind].bytes);
    line.bytes = std::max(line.bytes, plan.bytes());
    line.rows_sent += plan.rows_sent;
    line.bytes_sent += plan.bytes_sent;
    const std::array<double, kPhases> least = least_seconds(plan.work, limits);
    line.compute_seconds =
        std::max(line.compute_seconds, std::accumulate(least.begin(), least.end(), 0.0));
    if (bandwidth > 0.0)
      line.wire_seconds = std::max(
          line.wire_seconds, static_cast<double>(plan.bytes_sent) / (bandwidth * kBytesPerGbit));
  }
  line.edge_balance = balance(plans, &RankPlan::edges);
  line.rating_balance = balance(plans, &RankPlan::ratings);
  return line;
}

Json to_json(const PlanLine& line) {
  Json memory;
  for (const MemoryUse& use : line.memory) memory[use.kind] = use.bytes;
  return {{"ranks", line.ranks},
          {"bytes_per_rank", memory},
          {"bytes_of_largest_rank", line.bytes},
          {"rows_sent_per_layer", line.rows_sent},
          {"bytes_per_step", line.bytes_sent},
          {"edge_balance", line.edge_balance},
          {"rating_balance", line.rating_balance},
          {"compute_seconds", line.compute_seconds},
          {"wire_seconds", line.wire_seconds}};
}

std::string table_of(std::span<const PlanLine> lines) {
  std::string text =
      fmt::format("{:>6}{:>13}{:>16}{:>13}{:>10}{:>10}{:>12}{:>10}\n", "ranks", "memory/rank",
                  "rows sent/layer", "sent/step", "max/mean", "max/mean", "compute ms", "wire ms");
  text += fmt::format("{:>58}{:>10}\n", "edges", "ratings");
  for (const PlanLine& line : lines)
    text += fmt::format("{:>6}{:>13}{:>16}{:>13}{:>10.3f}{:>10.3f}{:>12.2f}{:>10.2f}\n", line.ranks,
                        human_bytes(line.bytes), grouped(line.rows_sent),
                        human_bytes(line.bytes_sent), line.edge_balance, line.rating_balance,
                        1e3 * line.compute_seconds, 1e3 * line.wire_seconds);
  return text;
}

MachineLimits limits_here(const Communicator& comm, const Session& session) {
  constexpr std::int64_t kMostSampledEdges = std::int64_t{1} << 20;
  constexpr std::int64_t kMostStreamed = std::int64_t{1} << 26;  // far beyond any cache
  const TrainConfig& config = session.config();
  const std::int64_t streamed =
      std::min(8 * session.loaded().layout.rows() * config.dimension, kMostStreamed);
  const Adjacency graph =
      sample_graph(session.loaded().train, {session.travel(), model_spec(config).edge_weight},
                   kMostSampledEdges);
  return with_precision(config.storage, [&]<class Precision>() {
    return measure_limits(comm, kernels<Precision>(session.isa()), graph, config.dimension,
                          streamed);
  });
}

}  // namespace

int run_plan(const Communicator& comm, CommandArgs args) {
  PlanCommand command;
  if (!parse_together(comm, [&] { return command.parse(args); }))
    return static_cast<int>(ExitCode::kDone);
  if (comm.size() > 1)
    throw InputError(fmt::format(
        "siren plan works in one process but there are {} ranks; start it without mpirun and name "
        "the numbers of ranks by --ranks",
        comm.size()));
  set_threads(comm, command.config.train.threads);
  Session session(comm, command.config.data, command.config.train);
  const std::int64_t most = std::min(session.summary().users, session.summary().items);
  const std::vector<std::int64_t> counts = parse_numbers("--ranks", command.ranks, 1);
  for (const std::int64_t count : counts)
    if (count > most)
      throw InputError(fmt::format("--ranks {}: too many for {} users and {} items; at most {}",
                                   count, session.summary().users, session.summary().items, most));
  const MachineLimits limits = limits_here(comm, session);
  std::vector<PlanLine> lines;
  Json json = {{"gather_ns", limits.gather_seconds * 1e9},
               {"gflops", limits.flops_per_second * 1e-9},
               {"stream_gb_per_s", limits.bytes_per_second * 1e-9},
               {"gexp_per_s", limits.exps_per_second * 1e-9},
               {"plans", Json::array()}};
  for (const std::int64_t count : counts) {
    const int ranks = static_cast<int>(count);
    std::vector<RankPlan> plans =
        plan_ranks(session.loaded(), command.config.data, session.config(), ranks);
    for (int rank = 0; rank < ranks; ++rank)
      plans[static_cast<std::size_t>(rank)].memory.push_back(
          {"ids", HeldIds::memory_on(session.dataset(), rank, ranks)});
    lines.push_back(summarise(plans, limits, command.bandwidth));
    json["plans"].push_back(to_json(lines.back()));
  }
  std::string text = table_of(lines);
  text += fmt::format(
      "memory: of arrays, without libraries and loading; it and sent/step: at most, all draws "
      "being different items\n"
      "compute: that work at the machine's limits; wire: sent/step of the busiest rank at "
      "--bandwidth\n"
      "machine: gather {:.2f} ns a row, {:.0f} GFLOP/s, {:.2f} Gexp/s, stream {:.1f} GB/s\n",
      limits.gather_seconds * 1e9, limits.flops_per_second * 1e-9, limits.exps_per_second * 1e-9,
      limits.bytes_per_second * 1e-9);
  if (command.json)
    print_json(json, 1);
  else
    print_lines(text);
  return static_cast<int>(ExitCode::kDone);
}

}  // namespace siren::inline app
