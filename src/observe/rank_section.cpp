// SPDX-License-Identifier: Apache-2.0
#include "observe/rank_section.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>

#include <fmt/format.h>

#include "core/text.hpp"
#include "observe/html.hpp"
#include "observe/svg_chart.hpp"

namespace siren::inline observe {

namespace {

/// From the bottom of a stack: work, then communication, then the rest.
constexpr std::array<std::string_view, 11> kOrder = {"product", "dense",    "loss", "sample",
                                                     "adam",    "expand",   "fold", "reduce",
                                                     "wait",    "evaluate", "other"};

double total(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

/// Sums of what a file says may be larger than any number of bytes.
std::string bytes_text(double bytes) {
  constexpr double kMost = 9e18;
  return human_bytes(bytes < kMost ? static_cast<std::int64_t>(bytes)
                                   : std::numeric_limits<std::int64_t>::max());
}

/// A phase by rank, or by what else the columns stand for.
struct PhaseColumns {
  std::string name;
  std::vector<double> values;
};

std::vector<std::string> rank_names(std::size_t ranks) {
  std::vector<std::string> names;
  for (std::size_t r = 0; r < ranks; ++r) names.push_back(fmt::format("{}", r));
  return names;
}

/// Phases that took no time are left out.
std::vector<ColumnLayer> layers_in_order(std::vector<PhaseColumns> phases) {
  const auto place = [](const PhaseColumns& phase) {
    return std::find(kOrder.begin(), kOrder.end(), phase.name) - kOrder.begin();
  };
  std::stable_sort(phases.begin(), phases.end(), [&](const PhaseColumns& a, const PhaseColumns& b) {
    return place(a) < place(b);
  });
  std::vector<ColumnLayer> layers;
  for (PhaseColumns& phase : phases)
    if (total(phase.values) > 0.0)
      layers.push_back({phase.name, phase_style(phase.name), std::move(phase.values)});
  return layers;
}

/// Without figures by rank: the least, mean and most of each phase over ranks.
ColumnChart seconds_over_ranks(const RunRecord& run) {
  std::vector<PhaseColumns> phases;
  for (const PhaseTotal& sum : phase_sums(run))
    phases.push_back({sum.name, {sum.min_seconds, sum.mean_seconds, sum.max_seconds}});
  return {"seconds by phase",        "of the ranks, phase by phase", "s", "",
          {"least", "mean", "most"}, layers_in_order(phases)};
}

ColumnChart seconds_by_rank(const RunRecord& run) {
  if (!run.ranks) return seconds_over_ranks(run);
  std::vector<PhaseColumns> phases;
  for (const PhaseOfRanks& phase : run.ranks->phases)
    phases.push_back({phase.use.name, phase.seconds});
  return {
      "seconds by phase and rank", "rank", "s", "rank ", rank_names(run.ranks->busy_seconds.size()),
      layers_in_order(phases)};
}

/// In a unit that keeps the ticks short.
std::string bytes_figure(const std::vector<double>& bytes) {
  const double most = *std::max_element(bytes.begin(), bytes.end());
  const std::string text = human_bytes(static_cast<std::int64_t>(most));
  const std::string unit = text.substr(text.find(' ') + 1);
  double per_unit = 1.0;
  for (const char* larger : {"B", "kB", "MB", "GB", "TB", "PB"}) {
    if (unit == larger) break;
    per_unit *= 1000.0;
  }
  ColumnChart chart{"sent by each rank",        "rank", unit, "rank ", rank_names(bytes.size()),
                    {{"sent", "expand", bytes}}};
  for (double& value : chart.layers.front().values) value /= per_unit;
  return figure_html(fmt::format("Sent by each rank, {}", unit), column_chart(chart),
                     fmt::format("most / mean {:.2f}", imbalance(bytes)));
}

std::string legend_of(const std::vector<ColumnLayer>& layers) {
  std::vector<LegendEntry> entries;
  entries.reserve(layers.size());
  for (const ColumnLayer& layer : layers) entries.push_back({layer.name, layer.style});
  return legend_html(entries);
}

std::string phase_table(const RunRecord& run) {
  const std::vector<PhaseTotal> sums = phase_sums(run);
  double all = 0.0;
  for (const PhaseTotal& sum : sums) all += sum.mean_seconds;
  Table table{"Seconds of all epochs over ranks; bytes of all ranks",
              {"phase", "least", "mean", "most", "share", "sent"},
              {}};
  for (const PhaseTotal& sum : sums)
    table.rows.push_back({{sum.name},
                          number_cell(fmt::format("{:.3f}", sum.min_seconds)),
                          number_cell(fmt::format("{:.3f}", sum.mean_seconds)),
                          number_cell(fmt::format("{:.3f}", sum.max_seconds)),
                          number_cell(fmt::format("{:.1f} %", 100.0 * sum.mean_seconds / all)),
                          number_cell(bytes_text(sum.bytes))});
  return table_html(table);
}

std::string share_figure(const RunRecord& run, std::int64_t RankShare::*share,
                         std::string_view caption) {
  std::vector<double> values;
  for (const RankShare& rank : run.memory.by_rank)
    values.push_back(static_cast<double>(rank.*share));
  const ColumnChart chart{std::string(caption),
                          "rank",
                          "",
                          "rank ",
                          rank_names(values.size()),
                          {{std::string(caption), "s0", values}}};
  const std::string note =
      values.size() < 2
          ? value_text(total(values))
          : fmt::format("{}, most / mean {:.2f}", value_text(total(values)), imbalance(values));
  return figure_html(caption, column_chart(chart), note);
}

/// Which rank the others waited for; empty for one rank.
std::string slowest_sentence(const RankReport& report) {
  if (report.ranks() < 2) return {};
  const auto slowest = static_cast<std::size_t>(report.slowest());
  return fmt::format(
      " Most work had rank {} on {}: {:.2f} times the mean; {:.1f} % of the time of all ranks was "
      "waiting.",
      slowest, report.hosts[slowest], report.imbalance(), 100.0 * report.wait_share());
}

std::string memory_table(const RunRecord& run) {
  Table table{"Memory of the largest rank", {"what", "bytes"}, {}};
  for (const MemoryUse& use : run.memory.bytes_per_rank)
    table.rows.push_back({{use.kind}, number_cell(human_bytes(use.bytes))});
  table.rows.push_back({{"together", false, true}, number_cell(human_bytes(run.memory.bytes()))});
  return table_html(table);
}

}  // namespace

std::vector<PhaseTotal> phase_sums(const RunRecord& run) {
  std::vector<PhaseTotal> sums;
  for (const RecordedEpoch& epoch : run.epochs)
    for (const PhaseUse& phase : epoch.phases) {
      auto sum = std::find_if(sums.begin(), sums.end(),
                              [&](const PhaseTotal& s) { return s.name == phase.name; });
      if (sum == sums.end()) {
        sum = sums.insert(sums.end(), PhaseTotal{});
        sum->name = phase.name;
      }
      sum->min_seconds += phase.min_seconds;
      sum->mean_seconds += phase.mean_seconds;
      sum->max_seconds += phase.max_seconds;
      sum->bytes += static_cast<double>(phase.sent.all);
    }
  return sums;
}

std::string time_section(const RunRecord& run) {
  const ColumnChart seconds = seconds_by_rank(run);
  if (seconds.layers.empty())
    return section_html("Where the time went", paragraph_html("No epoch is complete.", "quiet"));
  std::vector<std::string> parts{
      figure_html("Seconds by phase", column_chart(seconds),
                  run.resumes > 0 && run.ranks ? "since the last start" : "")};
  std::vector<double> sent;
  if (run.ranks)
    for (const SentBytes& rank : run.ranks->sent) sent.push_back(static_cast<double>(rank.all));
  if (total(sent) > 0.0) parts.push_back(bytes_figure(sent));
  parts.push_back(phase_table(run));
  std::string sentence =
      "Blue is work, orange is communication; wait is time blocked until messages arrived.";
  if (run.ranks) sentence += slowest_sentence(*run.ranks);
  return section_html(
      "Where the time went",
      legend_of(seconds.layers) + paragraph_html(sentence, "quiet") + beside_html(parts));
}

std::string partition_section(const RunRecord& run) {
  std::string html;
  if (run.memory.ranks > 0)
    html = paragraph_html(fmt::format("{} rank(s); {} rows cross ranks per layer.",
                                      run.memory.ranks, grouped(run.memory.rows_sent_per_layer)));
  std::vector<std::string> figures;
  for (const auto& [share, caption] :
       {std::pair(&RankShare::ratings, "Ratings"), std::pair(&RankShare::edges, "Edges"),
        std::pair(&RankShare::users, "Users owned"), std::pair(&RankShare::items, "Items owned"),
        std::pair(&RankShare::halo_rows, "Halo rows")})
    if (!run.memory.by_rank.empty()) figures.push_back(share_figure(run, share, caption));
  if (!figures.empty()) html += figures_html(figures);
  if (!run.memory.bytes_per_rank.empty()) html += memory_table(run);
  return section_html("Partition and balance", html);
}

std::string cost_comparison(std::span<const RunRecord> runs) {
  Table table{
      "", {"run", "ranks", "epochs", "seconds", "ratings/s", "sent an epoch", "memory a rank"}, {}};
  for (const RunRecord& run : runs) {
    double ratings = 0.0;
    for (const RecordedEpoch& epoch : run.epochs) ratings += static_cast<double>(epoch.ratings);
    double sent = 0.0;
    for (const PhaseTotal& sum : phase_sums(run)) sent += sum.bytes;
    const bool trained = run.epochs_done() > 0.0;
    table.rows.push_back(
        {{run.name},
         number_cell(fmt::format("{}", run.memory.ranks)),
         number_cell(value_text(run.epochs_done())),
         number_cell(fmt::format("{:.1f}", run.seconds())),
         number_cell(trained ? value_text(std::round(ratings / run.seconds())) : "-"),
         number_cell(trained ? bytes_text(sent / run.epochs_done()) : "-"),
         number_cell(human_bytes(run.memory.bytes()))});
  }
  return section_html("Cost", table_html(table));
}

}  // namespace siren::inline observe
