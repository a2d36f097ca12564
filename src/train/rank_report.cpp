// SPDX-License-Identifier: Apache-2.0
#include "siren/train/rank_report.hpp"

#include <algorithm>
#include <array>
#include <numeric>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "siren/core/host.hpp"
#include "siren/core/text.hpp"

namespace siren {

namespace {

/// One phase over ranks.
struct Spread {
  std::vector<double> seconds;  // [ranks]
  double min;
  double mean;
  double max;
  int slowest;
  SentBytes sent;  // by all ranks
};

Spread spread(const RankReport& report, std::size_t phase) {
  Spread all;
  for (const PhaseCounts& counts : report.counts) {
    all.seconds.push_back(counts.seconds[phase]);
    all.sent += counts.sent[phase];
  }
  const auto [least, most] = std::minmax_element(all.seconds.begin(), all.seconds.end());
  all.min = *least;
  all.mean = std::accumulate(all.seconds.begin(), all.seconds.end(), 0.0) / report.ranks();
  all.max = *most;
  all.slowest = static_cast<int>(std::max_element(all.seconds.begin(), all.seconds.end()) -
                                 all.seconds.begin());
  return all;
}

bool is_work(std::size_t phase) {
  return static_cast<Phase>(phase) < Phase::kWait;
}

std::vector<double> busy(const RankReport& report) {
  std::vector<double> seconds;
  for (int rank = 0; rank < report.ranks(); ++rank) seconds.push_back(report.busy_seconds(rank));
  return seconds;
}

double waited(const RankReport& report) {
  return std::accumulate(report.counts.begin(), report.counts.end(), 0.0,
                         [](double sum, const PhaseCounts& counts) {
                           return sum + counts.seconds[static_cast<std::size_t>(Phase::kWait)];
                         });
}

}  // namespace

double RankReport::busy_seconds(int rank) const {
  const PhaseCounts& mine = counts[static_cast<std::size_t>(rank)];
  double sum = 0.0;
  for (std::size_t p = 0; p < kPhases; ++p)
    if (is_work(p)) sum += mine.seconds[p];
  return sum;
}

int RankReport::slowest() const {
  const std::vector<double> seconds = busy(*this);
  return static_cast<int>(std::max_element(seconds.begin(), seconds.end()) - seconds.begin());
}

double RankReport::imbalance() const {
  const std::vector<double> seconds = busy(*this);
  const double sum = std::accumulate(seconds.begin(), seconds.end(), 0.0);
  return sum > 0.0 ? busy_seconds(slowest()) * ranks() / sum : 1.0;
}

double RankReport::wait_share() const {
  const std::vector<double> seconds = busy(*this);
  const double all = std::accumulate(seconds.begin(), seconds.end(), waited(*this));
  return all > 0.0 ? waited(*this) / all : 0.0;
}

SentBytes RankReport::sent() const {
  SentBytes sum;
  for (const PhaseCounts& rank : counts)
    for (const SentBytes& phase : rank.sent) sum += phase;
  return sum;
}

RankReport gather_ranks(const Communicator& comm, std::int64_t steps, const PhaseCounts& mine) {
  std::array<char, 64> name{};
  const std::string host = host_name();
  std::copy_n(host.begin(), std::min(host.size(), name.size() - 1), name.begin());
  RankReport report;
  report.steps = steps;
  for (const auto& one : comm.all_gather(name)) report.hosts.emplace_back(one.data());
  report.counts = comm.all_gather(mine);
  return report;
}

nlohmann::ordered_json to_json(const RankReport& report) {
  using Json = nlohmann::ordered_json;
  Json phases = Json::object();
  for (std::size_t p = 0; p < kPhases; ++p) {
    const Spread all = spread(report, p);
    phases[std::string(name_of(static_cast<Phase>(p)))] = {
        {"min", all.min},        {"mean", all.mean},
        {"max", all.max},        {"seconds", all.seconds},
        {"bytes", all.sent.all}, {"bytes_between_nodes", all.sent.between_nodes}};
  }
  std::vector<std::int64_t> bytes;
  std::vector<std::int64_t> between_nodes;
  for (const PhaseCounts& rank : report.counts) {
    SentBytes sum;
    for (const SentBytes& phase : rank.sent) sum += phase;
    bytes.push_back(sum.all);
    between_nodes.push_back(sum.between_nodes);
  }
  const int slowest = report.slowest();
  return {{"ranks", report.ranks()},
          {"steps", report.steps},
          {"hosts", report.hosts},
          {"wait_share", report.wait_share()},
          {"slowest",
           {{"rank", slowest},
            {"host", report.hosts[static_cast<std::size_t>(slowest)]},
            {"busy", report.busy_seconds(slowest)},
            {"of_mean", report.imbalance()}}},
          {"busy", busy(report)},
          {"bytes", bytes},
          {"bytes_between_nodes", between_nodes},
          {"phases", phases}};
}

std::vector<std::string> format_report(const RankReport& report) {
  const auto host = [&](int rank) { return report.hosts[static_cast<std::size_t>(rank)]; };
  const SentBytes sent = report.sent();
  std::vector<std::string> lines{
      fmt::format("{} step(s) on {} rank(s): {:.1f} % of the time waited; sent {} within nodes, {} "
                  "between them",
                  report.steps, report.ranks(), 100.0 * report.wait_share(),
                  human_bytes(sent.all - sent.between_nodes), human_bytes(sent.between_nodes)),
      fmt::format("{:<10}{:>9}{:>9}{:>9}{:>11}{:>15}  {}", "phase", "min s", "mean", "max", "sent",
                  "between nodes", "most on")};
  for (std::size_t p = 0; p < kPhases; ++p) {
    const Spread all = spread(report, p);
    if (all.max == 0.0 && all.sent.all == 0) continue;
    lines.push_back(fmt::format("{:<10}{:>9.3f}{:>9.3f}{:>9.3f}{:>11}{:>15}  rank {} ({})",
                                name_of(static_cast<Phase>(p)), all.min, all.mean, all.max,
                                human_bytes(all.sent.all), human_bytes(all.sent.between_nodes),
                                all.slowest, host(all.slowest)));
  }
  if (report.ranks() > 1)
    lines.push_back(fmt::format("slowest: rank {} on {}, {:.3f} s of work, {:.2f} times the mean",
                                report.slowest(), host(report.slowest()),
                                report.busy_seconds(report.slowest()), report.imbalance()));
  return lines;
}

}  // namespace siren
