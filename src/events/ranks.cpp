// SPDX-License-Identifier: Apache-2.0
#include "events/ranks.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/text.hpp"
#include "events/json.hpp"
#include "siren/error.hpp"

namespace siren::inline events {

namespace {

using Json = nlohmann::ordered_json;

double sum_of(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

bool is_work(std::size_t phase) {
  return static_cast<Phase>(phase) < Phase::kWait;
}

SentBytes sent_in_all_phases(const PhaseCounts& rank) {
  SentBytes sum;
  for (const SentBytes& phase : rank.sent) sum += phase;
  return sum;
}

double busy(const PhaseCounts& rank) {
  double sum = 0.0;
  for (std::size_t p = 0; p < kPhases; ++p)
    if (is_work(p)) sum += rank.seconds[p];
  return sum;
}

PhaseOfRanks phase_of(std::span<const PhaseCounts> counts, std::size_t phase) {
  PhaseOfRanks all;
  all.use.name = name_of(static_cast<Phase>(phase));
  for (const PhaseCounts& rank : counts) {
    all.seconds.push_back(rank.seconds[phase]);
    all.use.sent += rank.sent[phase];
  }
  const auto [least, most] = std::minmax_element(all.seconds.begin(), all.seconds.end());
  all.use.min_seconds = *least;
  all.use.mean_seconds = sum_of(all.seconds) / static_cast<double>(counts.size());
  all.use.max_seconds = *most;
  return all;
}

double waited(const RankReport& report) {
  for (const PhaseOfRanks& phase : report.phases)
    if (phase.use.name == name_of(Phase::kWait)) return sum_of(phase.seconds);
  return 0.0;
}

Json use_json(const PhaseUse& use) {
  return {{"min", use.min_seconds},
          {"mean", use.mean_seconds},
          {"max", use.max_seconds},
          {"bytes", use.sent.all},
          {"bytes_between_nodes", use.sent.between_nodes}};
}

PhaseUse use_from_json(const std::string& name, const Json& json) {
  return {name,
          real_or(json, "min", 0.0),
          real_or(json, "mean", 0.0),
          real_or(json, "max", 0.0),
          {count_or(json, "bytes", 0), count_or(json, "bytes_between_nodes", 0)}};
}

}  // namespace

int RankReport::slowest() const {
  return static_cast<int>(std::max_element(busy_seconds.begin(), busy_seconds.end()) -
                          busy_seconds.begin());
}

double RankReport::imbalance() const {
  return siren::imbalance(busy_seconds);
}

double RankReport::wait_share() const {
  const double all = sum_of(busy_seconds) + waited(*this);
  return all > 0.0 ? waited(*this) / all : 0.0;
}

SentBytes RankReport::sent_by_all() const {
  SentBytes sum;
  for (const SentBytes& rank : sent) sum += rank;
  return sum;
}

double imbalance(std::span<const double> values) {
  const double sum = sum_of(values);
  if (sum == 0.0) return 1.0;
  return *std::max_element(values.begin(), values.end()) * static_cast<double>(values.size()) / sum;
}

RankReport rank_report(std::int64_t steps, std::vector<std::string> hosts,
                       std::span<const PhaseCounts> counts) {
  RankReport report;
  report.steps = steps;
  report.hosts = std::move(hosts);
  for (const PhaseCounts& rank : counts) {
    report.busy_seconds.push_back(busy(rank));
    report.sent.push_back(sent_in_all_phases(rank));
  }
  for (std::size_t p = 0; p < kPhases; ++p) report.phases.push_back(phase_of(counts, p));
  return report;
}

Json to_json(std::span<const PhaseUse> phases) {
  Json json = Json::object();
  for (const PhaseUse& use : phases) json[use.name] = use_json(use);
  return json;
}

std::vector<PhaseUse> phases_from_json(const Json& json) {
  std::vector<PhaseUse> phases;
  for (const auto& [name, use] : json.items()) phases.push_back(use_from_json(name, use));
  return phases;
}

Json to_json(const RankReport& report) {
  Json phases = Json::object();
  for (const PhaseOfRanks& phase : report.phases) {
    phases[phase.use.name] = use_json(phase.use);
    phases[phase.use.name]["seconds"] = phase.seconds;
  }
  std::vector<std::int64_t> bytes;
  std::vector<std::int64_t> between_nodes;
  for (const SentBytes& rank : report.sent) {
    bytes.push_back(rank.all);
    between_nodes.push_back(rank.between_nodes);
  }
  const auto slowest = static_cast<std::size_t>(report.slowest());
  return {{"ranks", report.ranks()},
          {"steps", report.steps},
          {"hosts", report.hosts},
          {"wait_share", report.wait_share()},
          {"slowest",
           {{"rank", slowest},
            {"host", report.hosts[slowest]},
            {"busy", report.busy_seconds[slowest]},
            {"of_mean", report.imbalance()}}},
          {"busy", report.busy_seconds},
          {"bytes", bytes},
          {"bytes_between_nodes", between_nodes},
          {"phases", phases}};
}

RankReport rank_report_from_json(const Json& json) {
  const std::size_t ranks = ranks_in(json);
  if (ranks == 0) throw InputError("it is of 0 ranks");
  RankReport report;
  report.steps = count_number(json.at("steps"));
  report.hosts = json.at("hosts").get<std::vector<std::string>>();
  report.busy_seconds = reals_of(json.at("busy"), ranks);
  const std::vector<std::int64_t> bytes = counts_of(json.at("bytes"), ranks);
  const std::vector<std::int64_t> between = counts_of(json.at("bytes_between_nodes"), ranks);
  for (std::size_t r = 0; r < ranks; ++r) report.sent.push_back({bytes[r], between[r]});
  if (report.hosts.size() != ranks)
    throw InputError(fmt::format("{} hosts for {} ranks", report.hosts.size(), ranks));
  for (const auto& [name, phase] : json.at("phases").items())
    report.phases.push_back({use_from_json(name, phase), reals_of(phase.at("seconds"), ranks)});
  return report;
}

std::vector<std::string> format_report(const RankReport& report) {
  const auto host = [&](std::ptrdiff_t rank) {
    return report.hosts[static_cast<std::size_t>(rank)];
  };
  const SentBytes sent = report.sent_by_all();
  std::vector<std::string> lines{
      fmt::format("{} step(s) on {} rank(s): {:.1f} % of the time waited; sent {} within nodes, {} "
                  "between them",
                  report.steps, report.ranks(), 100.0 * report.wait_share(),
                  human_bytes(sent.all - sent.between_nodes), human_bytes(sent.between_nodes)),
      fmt::format("{:<10}{:>9}{:>9}{:>9}{:>11}{:>15}  {}", "phase", "min s", "mean", "max", "sent",
                  "between nodes", "most on")};
  for (const PhaseOfRanks& phase : report.phases) {
    const PhaseUse& use = phase.use;
    if (use.max_seconds == 0.0 && use.sent.all == 0) continue;
    const auto most = std::max_element(phase.seconds.begin(), phase.seconds.end());
    const auto rank = most - phase.seconds.begin();
    lines.push_back(fmt::format("{:<10}{:>9.3f}{:>9.3f}{:>9.3f}{:>11}{:>15}  rank {} ({})",
                                use.name, use.min_seconds, use.mean_seconds, use.max_seconds,
                                human_bytes(use.sent.all), human_bytes(use.sent.between_nodes),
                                rank, host(rank)));
  }
  const int slowest = report.slowest();
  if (report.ranks() > 1)
    lines.push_back(fmt::format(
        "slowest: rank {} on {}, {:.3f} s of work, {:.2f} times the mean", slowest, host(slowest),
        report.busy_seconds[static_cast<std::size_t>(slowest)], report.imbalance()));
  return lines;
}

}  // namespace siren::inline events
