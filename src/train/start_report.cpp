// SPDX-License-Identifier: Apache-2.0
#include "siren/train/start_report.hpp"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "siren/core/error.hpp"
#include "siren/core/host.hpp"
#include "siren/core/text.hpp"
#include "siren/math/matrix.hpp"

namespace siren {

namespace {

constexpr std::array kFigures = {
    &RankStart::rows,    &RankStart::halo_rows, &RankStart::rows_sent,     &RankStart::edges,
    &RankStart::ratings, &RankStart::bytes,     &RankStart::node_available};
constexpr std::array kNames = {"rows",  "halo_rows", "rows_sent_per_layer",
                               "edges", "ratings",   "bytes"};  // of all but the last
constexpr std::size_t kShownRanks = 8;
constexpr double kGigabyte = 1e9;

/// Texts of all ranks, on every rank.
std::vector<std::string> gather(const Communicator& comm, const std::string& text) {
  std::vector<std::string> texts(1);
  std::string ended = text;
  ended += '\n';
  for (const char letter : comm.all_gather_v(std::span<const char>(ended)))
    if (letter == '\n')
      texts.emplace_back();
    else
      texts.back() += letter;
  texts.pop_back();
  return texts;
}

struct Node {
  std::string host;
  int ranks = 0;
  std::int64_t bytes = 0;
  std::int64_t available = 0;
};

std::vector<Node> nodes_of(const StartReport& report) {
  std::map<int, Node> nodes;
  for (const RankStart& rank : report.ranks) {
    Node& node = nodes[rank.node];
    node.host = rank.host;
    ++node.ranks;
    node.bytes += rank.bytes;
    node.available = rank.node_available;
  }
  std::vector<Node> in_order;
  in_order.reserve(nodes.size());
  for (const auto& [first, node] : nodes) in_order.push_back(node);
  return in_order;
}

std::string describe_binding(const StartReport& report) {
  std::set<std::string> distinct;
  std::vector<std::string> parts;
  for (std::size_t r = 0; r < report.ranks.size(); ++r) {
    distinct.insert(report.ranks[r].processors);
    if (r < kShownRanks)
      parts.push_back(
          fmt::format("rank {} on {}: {}", r, report.ranks[r].host, report.ranks[r].processors));
  }
  if (distinct.size() == 1)
    return fmt::format("{} rank(s) on {} node(s), each on processors {}", report.ranks.size(),
                       report.nodes(), *distinct.begin());
  if (report.ranks.size() > kShownRanks) parts.emplace_back("...");
  return fmt::format("processors: {}", fmt::join(parts, ", "));
}

}  // namespace

int StartReport::nodes() const {
  return static_cast<int>(nodes_of(*this).size());
}

double StartReport::balance(std::int64_t RankStart::*field) const {
  std::int64_t most = 0;
  std::int64_t sum = 0;
  for (const RankStart& rank : ranks) {
    most = std::max(most, rank.*field);
    sum += rank.*field;
  }
  return sum == 0 ? 1.0
                  : static_cast<double>(most) * static_cast<double>(ranks.size()) /
                        static_cast<double>(sum);
}

StartReport gather_start(const Communicator& comm, RankStart mine) {
  const Communicator node = comm.split_by_node();
  mine.node_available = node.all_reduce(available_memory(), Reduction::kMin);
  const std::int32_t first = node.all_reduce(std::int32_t{comm.rank()}, Reduction::kMin);
  std::array<std::int64_t, kFigures.size()> figures{};
  for (std::size_t i = 0; i < kFigures.size(); ++i) figures[i] = mine.*kFigures[i];
  const auto all_figures = comm.all_gather(figures);
  const auto firsts = comm.all_gather(first);
  const std::vector<std::string> hosts = gather(comm, host_name());
  const std::vector<std::string> processors = gather(comm, allowed_processors());
  StartReport report;
  for (std::size_t r = 0; r < all_figures.size(); ++r) {
    RankStart rank;
    rank.host = hosts[r];
    rank.processors = processors[r];
    rank.node = firsts[r];
    for (std::size_t i = 0; i < kFigures.size(); ++i) rank.*kFigures[i] = all_figures[r][i];
    report.ranks.push_back(rank);
  }
  return report;
}

nlohmann::ordered_json to_json(const StartReport& report) {
  nlohmann::ordered_json json;
  for (const RankStart& rank : report.ranks) {
    json["hosts"].push_back(rank.host);
    json["processors"].push_back(rank.processors);
    for (std::size_t i = 0; i < kNames.size(); ++i) json[kNames[i]].push_back(rank.*kFigures[i]);
  }
  for (const Node& node : nodes_of(report))
    json["nodes"].push_back({{"host", node.host},
                             {"ranks", node.ranks},
                             {"bytes", node.bytes},
                             {"available", node.available}});
  return json;
}

std::vector<std::string> format_report(const StartReport& report) {
  std::int64_t most_halo = 0;
  std::int64_t most_sent = 0;
  for (const RankStart& rank : report.ranks) {
    most_halo = std::max(most_halo, rank.halo_rows);
    most_sent = std::max(most_sent, rank.rows_sent);
  }
  const std::vector<Node> nodes = nodes_of(report);
  const Node fullest = *std::max_element(
      nodes.begin(), nodes.end(), [](const Node& a, const Node& b) { return a.bytes < b.bytes; });
  const std::string left = fullest.available == 0
                               ? ""
                               : fmt::format("; {} are left there", human_bytes(fullest.available));
  return {describe_binding(report),
          fmt::format("balance (largest rank to mean): rows {:.2f}, edges {:.2f}, ratings {:.2f}; "
                      "halo {} rows, {} sent per layer, at most",
                      report.balance(&RankStart::rows), report.balance(&RankStart::edges),
                      report.balance(&RankStart::ratings), grouped(most_halo), grouped(most_sent)),
          fmt::format("memory per node, at most {} for {} rank(s) on {}{}",
                      human_bytes(fullest.bytes), fullest.ranks, fullest.host, left)};
}

std::int64_t least_bytes(const DatasetSummary& data, const TrainConfig& config, int ranks) {
  const auto share = [&](std::int64_t count) { return count / ranks; };
  const std::int64_t real = config.storage == "fp64" ? 8 : 4;
  const std::int64_t stored = config.storage == "bf16" ? 2 : real;
  const std::int64_t tables = config.model == "siren" ? 2 : 1;
  const std::int64_t values = share(data.users + data.items) * padded(config.dimension);
  // parameters and two moments of each table; Zp and the gradient of X0; the running mean
  const std::int64_t dense = (3 * tables + 2 + (config.average > 0.0 ? tables : 0)) * values * real;
  const std::int64_t layers = config.model == "mf" ? 0 : 2 * values * stored;
  constexpr std::int64_t kRatingBytes = 5;  // item and sign
  return dense + layers + share(data.ratings) * kRatingBytes;
}

NodeMemory node_memory(const Communicator& job) {
  return {job.ranks_on_node(), job.size(), available_memory()};
}

void check_memory(const Communicator& comm,
                  const NodeMemory& node,
                  const DatasetSummary& data,
                  const TrainConfig& config) {
  const std::int64_t needed = node.ranks * least_bytes(data, config, comm.size());
  const auto limit = config.memory_limit > 0.0
                         ? static_cast<std::int64_t>(config.memory_limit * kGigabyte)
                         : node.available;
  agree_on_input(comm, [&] {
    if (limit == 0 || needed <= limit) return;
    throw InputError(fmt::format(
        "{} has {} of memory{}, but its {} rank(s) of {} need at least {}; use more nodes, a "
        "smaller --dim or --storage, or another --memory-limit",
        host_name(), human_bytes(limit), config.memory_limit > 0.0 ? " by --memory-limit" : "",
        node.ranks, node.of_job, human_bytes(needed)));
  });
}

}  // namespace siren
