// SPDX-License-Identifier: Apache-2.0
#include "app/plan_table.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/text.hpp"

namespace siren::inline app {

namespace {

constexpr double kWorthMore = 1.1;  // a step that more ranks must beat by this factor

double balance(std::span<const RankPlan> plans, std::int64_t RankPlan::*count) {
  std::int64_t most = 0;
  std::int64_t all = 0;
  for (const RankPlan& plan : plans) {
    most = std::max(most, plan.*count);
    all += plan.*count;
  }
  return static_cast<double>(most) * static_cast<double>(plans.size()) / static_cast<double>(all);
}

bool faster(const PlanLine& one, const PlanLine& other) {
  if (one.time.step != other.time.step) return one.time.step < other.time.step;
  return one.rows_sent < other.rows_sent;
}

std::string layout_of(const PlanLine& line) {
  return fmt::format("{} rank(s) with --partition {} --travel {}", line.ranks, line.partition,
                     line.travel);
}

}  // namespace

PlanLine line_of(const LayoutPlan& plan, const DataConfig& data, const TrainConfig& config,
                 const Machine& machine) {
  PlanLine line;
  line.ranks = std::ssize(plan.ranks);
  line.nodes = machine.nodes(line.ranks);
  line.partition = name_of(data.partition);
  line.travel = name_of(data.travel);
  line.memory = plan.ranks.front().memory;
  for (const RankPlan& rank : plan.ranks) {
    for (std::size_t kind = 0; kind < line.memory.size(); ++kind)
      line.memory[kind].bytes = std::max(line.memory[kind].bytes, rank.memory[kind].bytes);
    line.bytes = std::max(line.bytes, rank.bytes());
    line.rows_sent += rank.rows_sent;
    line.layer_bytes += rank.layer_bytes;
    line.row_bytes += rank.row_bytes;
    line.sum_bytes += rank.sum_bytes;
  }
  line.node_bytes =
      line.bytes * std::min(line.ranks, static_cast<std::int64_t>(machine.ranks_per_node));
  if (machine.memory_per_node > 0.0)
    line.missing = std::max<std::int64_t>(
        line.node_bytes - static_cast<std::int64_t>(machine.memory_per_node), 0);
  line.edge_balance = balance(plan.ranks, &RankPlan::edges);
  line.rating_balance = balance(plan.ranks, &RankPlan::ratings);
  line.time = predict_step(plan, config, machine);
  return line;
}

std::optional<std::size_t> recommended(std::span<const PlanLine> lines) {
  std::optional<std::size_t> fastest;
  for (std::size_t i = 0; i < lines.size(); ++i)
    if (lines[i].fits() && (!fastest || faster(lines[i], lines[*fastest]))) fastest = i;
  if (!fastest) return fastest;
  const double enough = kWorthMore * lines[*fastest].time.step;
  std::size_t best = *fastest;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (!lines[i].fits() || lines[i].time.step > enough) continue;
    const bool fewer = lines[i].ranks < lines[best].ranks;
    if (fewer || (lines[i].ranks == lines[best].ranks && faster(lines[i], lines[best]))) best = i;
  }
  return best;
}

std::string table_of(std::span<const PlanLine> lines) {
  std::string text =
      fmt::format("{:>6} {:<10}{:<7}{:>11}{:>16}{:>11}{:>8}{:>8}{:>11}{:>10}{:>10}\n", "ranks",
                  "partition", "travel", "memory", "rows/layer", "sent", "edges", "ratings",
                  "compute ms", "wire ms", "step ms");
  for (const PlanLine& line : lines)
    text += fmt::format("{:>6} {:<10}{:<7}{:>11}{:>16}{:>11}{:>8.3f}{:>8.3f}{:>11.2f}{:>10.2f}",
                        line.ranks, line.partition, line.travel, human_bytes(line.bytes),
                        grouped(line.rows_sent),
                        human_bytes(line.layer_bytes + line.row_bytes + line.sum_bytes),
                        line.edge_balance, line.rating_balance, 1e3 * line.time.compute,
                        1e3 * (line.time.wire + line.time.sum)) +
            fmt::format("{:>10.2f}\n", 1e3 * line.time.step);
  return text;
}

std::string refusals(std::span<const PlanLine> lines, const Machine& machine,
                     std::int64_t fitting) {
  std::string text;
  for (const PlanLine& line : lines) {
    if (line.fits()) continue;
    text += fmt::format(
        "{} do not fit: a node's {} rank(s) need {} but it has {}, {} are missing; {}\n",
        layout_of(line), std::min(line.ranks, static_cast<std::int64_t>(machine.ranks_per_node)),
        human_bytes(line.node_bytes),
        human_bytes(static_cast<std::int64_t>(machine.memory_per_node)), human_bytes(line.missing),
        fitting > 0 ? fmt::format("{} ranks would fit", fitting)
                    : "no number of ranks that was tried fits");
  }
  return text;
}

std::string recommendation(std::span<const PlanLine> lines) {
  const std::optional<std::size_t> best = recommended(lines);
  if (!best) return "Nothing is recommended: none of these fits into the memory.\n";
  const PlanLine& line = lines[*best];
  return fmt::format(
      "Recommended: {} on {} node(s), {:.2f} ms a step: of those that fit, the fewest ranks within "
      "a tenth of the fastest step.\n",
      layout_of(line), line.nodes, 1e3 * line.time.step);
}

nlohmann::ordered_json to_json(const PlanLine& line) {
  nlohmann::ordered_json memory;
  for (const MemoryUse& use : line.memory) memory[use.kind] = use.bytes;
  return {{"ranks", line.ranks},
          {"nodes", line.nodes},
          {"partition", line.partition},
          {"travel", line.travel},
          {"bytes_per_rank", memory},
          {"bytes_of_largest_rank", line.bytes},
          {"bytes_of_largest_node", line.node_bytes},
          {"missing_bytes", line.missing},
          {"rows_sent_per_layer", line.rows_sent},
          {"bytes_per_step", line.layer_bytes + line.row_bytes},
          {"layer_bytes_per_step", line.layer_bytes},
          {"row_bytes_per_step", line.row_bytes},
          {"sum_bytes_per_step", line.sum_bytes},
          {"edge_balance", line.edge_balance},
          {"rating_balance", line.rating_balance},
          {"compute_seconds", line.time.compute},
          {"wire_seconds", line.time.wire},
          {"sum_seconds", line.time.sum},
          {"step_seconds", line.time.step}};
}

}  // namespace siren::inline app
