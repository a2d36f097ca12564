// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "app/best_search.hpp"
#include "app/commands.hpp"
#include "app/common_options.hpp"
#include "app/cv_grid.hpp"
#include "app/plan_table.hpp"
#include "app/train_options.hpp"
#include "core/log.hpp"
#include "core/terminal.hpp"
#include "core/text.hpp"
#include "distributed/graph_count.hpp"
#include "events/json.hpp"
#include "ingest/line_reader.hpp"
#include "math/matrix.hpp"
#include "math/precision.hpp"
#include "observe/first_batch.hpp"
#include "observe/machine.hpp"
#include "observe/rank_plan.hpp"
#include "train/session.hpp"
#include "train/threads.hpp"

namespace siren::inline app {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::int64_t kMostRanks = 4096;
constexpr double kBytesPerGbit = 1e9 / 8.0;

struct PlanCommand {
  RunConfig config;
  std::string ranks = "1,2,4,8";
  std::string machine;
  bool compare = false;
  std::int64_t scale = 1;
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
    options.text("machine", machine, "FILE",
                 "described by bench --machine-file (default: this one, measured)");
    options.flag("compare", compare, "try every --partition and --travel that is not given");
    options.number("scale", scale, {1, 1'000'000}, "X",
                   "for X times as many users, items and ratings, each with as many as here");
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
    if (!machine.empty() && options.given("bandwidth"))
      throw InputError("--bandwidth and --machine: the file says it; leave one of the two out");
    return true;
  }

  /// Whether a search tries other widths than that of the plan.
  bool searches_widths() const { return config.preset == kBestPreset && !options.given("dim"); }
};

/// The layouts to try: the one of the options, or all that they leave open.
std::vector<DataConfig> layouts_of(const PlanCommand& command) {
  const DataConfig& given = command.config.data;
  if (!command.compare) return {given};
  std::vector<DataConfig> layouts;
  for (std::size_t p = 0; p < enum_names(Partitioning{}).size(); ++p)
    for (std::size_t t = 0; t < enum_names(TravelChoice{}).size(); ++t) {
      DataConfig layout = given;
      if (!command.options.given("partition")) layout.partition = static_cast<Partitioning>(p);
      if (!command.options.given("travel")) layout.travel = static_cast<TravelChoice>(t);
      const bool known = std::ranges::any_of(layouts, [&](const DataConfig& other) {
        return other.partition == layout.partition && other.travel == layout.travel;
      });
      // auto is one of the others
      if (known || (layout.travel == TravelChoice::kAuto && !command.options.given("travel")))
        continue;
      layouts.push_back(layout);
    }
  return layouts;
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

/// This machine, where all ranks have a node of their own; or the one of the file.
Machine machine_of(const Communicator& comm, const Session& session, const PlanCommand& command) {
  const TrainConfig& config = session.config();
  if (!command.machine.empty()) {
    std::string text;
    LineReader lines(command.machine);
    for (std::string_view line; lines.next(line);) text.append(line) += '\n';
    return parse_machine(text, command.machine);
  }
  const MachineLimits limits = limits_here(comm, session);
  Machine machine;
  machine.gather_seconds = limits.gather_seconds;
  machine.gather_row_bytes =
      static_cast<double>(padded(config.dimension) * number_bytes(config.storage).stored);
  machine.flops_per_second = limits.flops_per_second;
  machine.bytes_per_second = limits.bytes_per_second;
  machine.exps_per_second = limits.exps_per_second;
  machine.between_nodes.bytes_per_second = command.bandwidth * kBytesPerGbit;
  return machine;
}

/// InputError if rows are to go where the machine says nothing of.
void check_links(const Machine& machine, std::span<const std::int64_t> counts,
                 const std::string& path) {
  const std::int64_t most = *std::max_element(counts.begin(), counts.end());
  const auto refuse = [&](const char* key, const char* where) {
    throw InputError(fmt::format("{}: {} is 0, but of {} ranks some {}; measure it, or fill it in",
                                 path, key, most, where));
  };
  if (most > 1 && machine.ranks_per_node > 1 && machine.in_node.bytes_per_second == 0.0)
    refuse("in_node_gb_per_s", "share a node");
  if (machine.nodes(most) > 1 && machine.between_nodes.bytes_per_second == 0.0)
    refuse("between_nodes_gbit_per_s", "are on different nodes");
}

/// Makes the lines of plans.
class Planner {
 public:
  Planner(const Session& session, const PlanCommand& command, const Machine& machine)
      : session_(session), command_(command), machine_(machine) {
    if (command.scale == 1) batch_.emplace(session.loaded(), session.config(), session.isa());
  }

  PlanLine line(const DataConfig& layout, std::int64_t count) {
    const int ranks = static_cast<int>(count);
    const LayoutTrial trial(session_.loaded(), layout, session_.config(), ranks);
    if (command_.searches_widths()) widest_bytes_ = std::max(widest_bytes_, widest(trial, ranks));
    return line_of(plan(trial, session_.config(), ranks), layout, session_.config(), machine_);
  }

  /// The fewest ranks that fit: of the lines, or by doubling the most of them in the first layout; 0
  /// if none do.
  std::int64_t fitting(std::span<const PlanLine> lines, const DataConfig& layout,
                       std::int64_t most) {
    std::int64_t fewest = 0;
    std::int64_t tried = 1;
    for (const PlanLine& line : lines) {
      tried = std::max(tried, line.ranks);
      if (line.fits() && (fewest == 0 || line.ranks < fewest)) fewest = line.ranks;
    }
    for (std::int64_t count = 2 * tried; fewest == 0 && count <= std::min(most, kMostRanks);
         count *= 2)
      if (line(layout, count).fits()) fewest = count;
    return fewest;
  }

  /// Memory of the largest rank of any line with the widest rows that --preset best tries.
  std::int64_t widest_bytes() const { return widest_bytes_; }

 private:
  LayoutPlan plan(const LayoutTrial& trial, const TrainConfig& config, int ranks) const {
    LayoutPlan plan =
        batch_ ? trial.plan(config, *batch_) : trial.plan_scaled(config, command_.scale);
    for (int rank = 0; rank < ranks; ++rank)
      plan.ranks[static_cast<std::size_t>(rank)].memory.push_back(
          {"ids", command_.scale * HeldIds::memory_on(session_.dataset(), rank, ranks)});
    return plan;
  }

  std::int64_t widest(const LayoutTrial& trial, int ranks) const {
    TrainConfig config = session_.config();
    config.dimension = *std::ranges::max_element(kWiderDimensions);
    std::int64_t most = 0;
    for (const RankPlan& rank : plan(trial, config, ranks).ranks)
      most = std::max(most, rank.bytes());
    return most;
  }

  const Session& session_;
  const PlanCommand& command_;
  const Machine& machine_;
  std::optional<FirstBatch> batch_;  // where nothing is scaled
  std::int64_t widest_bytes_ = 0;
};

Json machine_json(const Machine& machine, std::int64_t row_bytes) {
  const MachineLimits rank = machine.of_rank(row_bytes);
  return {{"gather_ns", rank.gather_seconds * 1e9},
          {"gflops", rank.flops_per_second * 1e-9},
          {"stream_gb_per_s", rank.bytes_per_second * 1e-9},
          {"gexp_per_s", rank.exps_per_second * 1e-9}};
}

std::string notes_of(const PlanCommand& command, const MachineLimits& rank) {
  std::string text =
      "memory: of the largest rank's arrays, at most, without libraries and loading; edges, "
      "ratings: most/mean\n";
  text += command.scale == 1 ? "sent: by all ranks in the first step; "
                             : "sent: by all ranks, at most; ";
  text += "compute: at the machine's limits; wire: of the busiest rank\n";
  text += fmt::format(
      "rank: gather {:.2f} ns a row, {:.0f} GFLOP/s, {:.2f} Gexp/s, stream {:.1f} GB/s\n",
      rank.gather_seconds * 1e9, rank.flops_per_second * 1e-9, rank.exps_per_second * 1e-9,
      rank.bytes_per_second * 1e-9);
  return text;
}

std::string widths_note(const PlanCommand& command, std::int64_t widest_bytes) {
  return fmt::format(
      "--preset best: all this is for {} columns; the search also tries {} where a node has twice "
      "their memory: up to {} a rank\n",
      command.config.train.dimension, fmt::join(kWiderDimensions, " and "),
      human_bytes(widest_bytes));
}

/// Lines of all layouts and numbers of ranks. A partitioner that cannot take the data has none, if
/// several are compared.
std::vector<PlanLine> plan_lines(const PlanCommand& command, std::span<const std::int64_t> counts,
                                 Planner& planner) {
  std::vector<PlanLine> lines;
  for (const std::int64_t count : counts)
    for (const DataConfig& layout : layouts_of(command)) {
      try {
        lines.push_back(planner.line(layout, count));
      } catch (const InputError& error) {
        if (!command.compare) throw;
        spdlog::warn("--partition {}: {}", name_of(layout.partition), error.what());
      }
    }
  return lines;
}

std::vector<std::int64_t> counts_of(const PlanCommand& command, const Session& session) {
  const DatasetSummary& data = session.summary();
  std::vector<std::int64_t> counts = parse_numbers("--ranks", command.ranks, 1);
  for (const std::int64_t count : counts)
    if (count > std::min(data.users, data.items))
      throw InputError(fmt::format("--ranks {}: too many for {} users and {} items; at most {}",
                                   count, data.users, data.items,
                                   std::min(data.users, data.items)));
  return counts;
}

void print_plan(const PlanCommand& command, const Session& session, const Machine& machine,
                std::span<const std::int64_t> counts) {
  const TrainConfig& config = session.config();
  const std::int64_t row_bytes = padded(config.dimension) * number_bytes(config.storage).stored;
  Planner planner(session, command, machine);
  const std::vector<PlanLine> lines = plan_lines(command, counts, planner);
  const bool all_fit = std::ranges::all_of(lines, &PlanLine::fits);
  const std::int64_t fitting =
      all_fit ? 0
              : planner.fitting(lines, command.config.data,
                                std::min(session.summary().users, session.summary().items));
  std::string words = refusals(lines, machine, fitting);
  const bool recommends = !command.machine.empty() || command.compare;
  if (recommends) words += recommendation(lines);
  if (command.json) {
    Json json = machine_json(machine, row_bytes);
    json["dim"] = config.dimension;
    if (command.searches_widths()) json["bytes_of_widest_candidate"] = planner.widest_bytes();
    json["plans"] = Json::array();
    for (const PlanLine& line : lines) json["plans"].push_back(to_json(line));
    const std::optional<std::size_t> best = recommends ? recommended(lines) : std::nullopt;
    json["recommended"] = best ? Json(*best) : Json();
    if (!all_fit) json["fitting_ranks"] = fitting > 0 ? Json(fitting) : Json();
    print_json(json, 1);
    return;
  }
  std::string text = table_of(lines) + notes_of(command, machine.of_rank(row_bytes));
  if (command.searches_widths()) text += widths_note(command, planner.widest_bytes());
  print_lines(text + words);
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
  const Session session(comm, command.config.data, command.config.train);
  const std::vector<std::int64_t> counts = counts_of(command, session);
  const Machine machine = machine_of(comm, session, command);
  if (!command.machine.empty()) check_links(machine, counts, command.machine);
  print_plan(command, session, machine, counts);
  return static_cast<int>(ExitCode::kDone);
}

}  // namespace siren::inline app
