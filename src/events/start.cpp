// SPDX-License-Identifier: Apache-2.0
#include "events/start.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "core/text.hpp"
#include "events/json.hpp"
#include "siren/error.hpp"

namespace siren::inline events {

namespace {

using Json = nlohmann::ordered_json;

struct Field {
  const char* name;
  std::int64_t RankStart::*value;
};
constexpr std::array kFields = {Field{"rows", &RankStart::rows},
                                Field{"halo_rows", &RankStart::halo_rows},
                                Field{"rows_sent_per_layer", &RankStart::rows_sent},
                                Field{"edges", &RankStart::edges},
                                Field{"ratings", &RankStart::ratings},
                                Field{"bytes", &RankStart::bytes}};
constexpr std::size_t kShownRanks = 8;

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

Json to_json(const StartEvent& event) {
  Json json = {{"format", kEventsFormat},
               {"version", event.version},
               {"build", event.build},
               {"mpi", event.mpi},
               {"hdf5", event.hdf5},
               {"thread_level", event.thread_level},
               {"ranks", event.where.ranks.size()},
               {"threads", event.threads},
               {"isa", event.isa}};
  for (const RankStart& rank : event.where.ranks) {
    json["hosts"].push_back(rank.host);
    json["processors"].push_back(rank.processors);
    json["node"].push_back(rank.node);
    for (const Field& field : kFields) json[field.name].push_back(rank.*field.value);
  }
  for (const Node& node : nodes_of(event.where))
    json["nodes"].push_back({{"host", node.host},
                             {"ranks", node.ranks},
                             {"bytes", node.bytes},
                             {"available", node.available}});
  return json;
}

StartEvent start_from_json(const Json& json) {
  StartEvent event;
  event.version = json.at("version").get<std::string>();
  event.build = text_or(json, "build", "");
  event.mpi = text_or(json, "mpi", "");
  event.hdf5 = text_or(json, "hdf5", "");
  event.thread_level = text_or(json, "thread_level", "");
  event.threads = static_cast<std::int32_t>(count_or(json, "threads", 1));
  event.isa = text_or(json, "isa", "");
  const std::size_t ranks = ranks_in(json);
  event.where.ranks.resize(ranks);
  const auto texts = [&](const char* key) {
    auto values = json.at(key).get<std::vector<std::string>>();
    if (values.size() != ranks)
      throw InputError(fmt::format("{} values for {} ranks", values.size(), ranks));
    return values;
  };
  const std::vector<std::string> hosts = texts("hosts");
  const std::vector<std::string> processors = texts("processors");
  std::vector<std::int64_t> nodes(ranks, 0);  // version 0.1.0 did not write them
  if (json.contains("node")) nodes = counts_of(json.at("node"), ranks);
  std::map<std::int64_t, std::int64_t> available;  // by node
  for (std::size_t r = 0; r < ranks; ++r) {
    event.where.ranks[r].host = hosts[r];
    event.where.ranks[r].processors = processors[r];
    event.where.ranks[r].node = static_cast<int>(nodes[r]);
    available[nodes[r]] = 0;
  }
  for (const Field& field : kFields) {
    const std::vector<std::int64_t> values = counts_of(json.at(field.name), ranks);
    for (std::size_t r = 0; r < ranks; ++r) event.where.ranks[r].*field.value = values[r];
  }
  auto node = available.begin();
  for (const Json& entry : json.at("nodes"))
    if (node != available.end()) (node++)->second = count_number(entry.at("available"));
  for (RankStart& rank : event.where.ranks) rank.node_available = available[rank.node];
  return event;
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

}  // namespace siren::inline events
