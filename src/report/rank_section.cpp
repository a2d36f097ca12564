// SPDX-License-Identifier: Apache-2.0
#include "siren/report/rank_section.hpp"

#include <algorithm>
#include <array>
#include <numeric>

#include <fmt/format.h>

#include "siren/core/text.hpp"
#include "siren/report/html.hpp"
#include "siren/report/page_style.hpp"
#include "siren/report/svg_chart.hpp"

namespace siren {

namespace {

/// From the bottom of a stack: work, then communication, then the rest.
constexpr std::array<std::string_view, 11> kOrder = {"product", "dense",    "loss", "sample",
                                                     "adam",    "expand",   "fold", "reduce",
                                                     "wait",    "evaluate", "other"};

double total(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

std::string bytes_text(double bytes) {
  return human_bytes(static_cast<std::int64_t>(bytes));
}

std::vector<std::string> rank_names(std::size_t ranks) {
  std::vector<std::string> names;
  for (std::size_t r = 0; r < ranks; ++r) names.push_back(fmt::format("{}", r));
  return names;
}

/// Phases that took no time are left out.
std::vector<ColumnLayer> layers_in_order(std::vector<ByRank> phases) {
  const auto place = [](const ByRank& phase) {
    return std::find(kOrder.begin(), kOrder.end(), phase.name) - kOrder.begin();
  };
  std::stable_sort(phases.begin(), phases.end(),
                   [&](const ByRank& a, const ByRank& b) { return place(a) < place(b); });
  std::vector<ColumnLayer> layers;
  for (ByRank& phase : phases)
    if (total(phase.values) > 0.0)
      layers.push_back({phase.name, phase_style(phase.name), std::move(phase.values)});
  return layers;
}

/// Without figures by rank: the least, mean and most of each phase over ranks.
ColumnChart seconds_over_ranks(const RunRecord& run) {
  std::vector<ByRank> phases;
  for (const PhaseRecord& sum : phase_sums(run))
    phases.push_back({sum.name, {sum.min, sum.mean, sum.max}});
  return {"seconds by phase",        "of the ranks, phase by phase", "s", "",
          {"least", "mean", "most"}, layers_in_order(phases)};
}

ColumnChart seconds_by_rank(const RunRecord& run) {
  if (run.seconds_by_phase.empty()) return seconds_over_ranks(run);
  return {"seconds by phase and rank",
          "rank",
          "s",
          "rank ",
          rank_names(run.seconds_by_phase.front().values.size()),
          layers_in_order(run.seconds_by_phase)};
}

/// In a unit that keeps the ticks short.
std::string bytes_figure(const std::vector<double>& bytes) {
  const double most = *std::max_element(bytes.begin(), bytes.end());
  const std::string text = bytes_text(most);
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
  const std::vector<PhaseRecord> sums = phase_sums(run);
  double all = 0.0;
  for (const PhaseRecord& sum : sums) all += sum.mean;
  Table table{"Seconds of all epochs over ranks; bytes of all ranks",
              {"phase", "least", "mean", "most", "share", "sent"},
              {}};
  for (const PhaseRecord& sum : sums)
    table.rows.push_back({{sum.name},
                          number_cell(fmt::format("{:.3f}", sum.min)),
                          number_cell(fmt::format("{:.3f}", sum.mean)),
                          number_cell(fmt::format("{:.3f}", sum.max)),
                          number_cell(fmt::format("{:.1f} %", 100.0 * sum.mean / all)),
                          number_cell(bytes_text(sum.bytes))});
  return table_html(table);
}

const std::vector<double>* share_of(const RunRecord& run, std::string_view name) {
  for (const ByRank& share : run.shares)
    if (share.name == name) return &share.values;
  return nullptr;
}

std::string share_figure(const RunRecord& run, std::string_view name, std::string_view caption) {
  const std::vector<double>* values = share_of(run, name);
  if (values == nullptr) return {};
  const ColumnChart chart{std::string(caption),
                          "rank",
                          "",
                          "rank ",
                          rank_names(values->size()),
                          {{std::string(caption), "s0", *values}}};
  const std::string note =
      values->size() < 2
          ? value_text(total(*values))
          : fmt::format("{}, most / mean {:.2f}", value_text(total(*values)), imbalance(*values));
  return figure_html(caption, column_chart(chart), note);
}

std::string memory_table(const RunRecord& run) {
  Table table{"Memory of the largest rank", {"what", "bytes"}, {}};
  double sum = 0.0;
  for (const NamedValue& use : run.memory) {
    table.rows.push_back({{use.name}, number_cell(bytes_text(use.value))});
    sum += use.value;
  }
  table.rows.push_back({{"together", false, true}, number_cell(bytes_text(sum))});
  return table_html(table);
}

}  // namespace

double imbalance(const std::vector<double>& values) {
  const double sum = total(values);
  if (sum == 0.0) return 1.0;
  return *std::max_element(values.begin(), values.end()) * static_cast<double>(values.size()) / sum;
}

std::vector<PhaseRecord> phase_sums(const RunRecord& run) {
  std::vector<PhaseRecord> sums;
  for (const EpochRecord& epoch : run.epochs)
    for (const PhaseRecord& phase : epoch.phases) {
      auto sum = std::find_if(sums.begin(), sums.end(),
                              [&](const PhaseRecord& s) { return s.name == phase.name; });
      if (sum == sums.end()) sum = sums.insert(sums.end(), {phase.name});
      sum->min += phase.min;
      sum->mean += phase.mean;
      sum->max += phase.max;
      sum->bytes += phase.bytes;
    }
  return sums;
}

std::string time_section(const RunRecord& run) {
  const ColumnChart seconds = seconds_by_rank(run);
  if (seconds.layers.empty())
    return section_html("Where the time went", paragraph_html("No epoch is complete.", "quiet"));
  std::vector<std::string> parts{
      figure_html("Seconds by phase", column_chart(seconds),
                  run.resumes > 0 && !run.seconds_by_phase.empty() ? "since the last start" : "")};
  if (total(run.bytes_sent) > 0.0) parts.push_back(bytes_figure(run.bytes_sent));
  parts.push_back(phase_table(run));
  std::string sentence =
      "Blue is work, orange is communication; wait is time blocked until messages arrived.";
  if (!run.slowest.empty()) sentence += " " + run.slowest;
  return section_html(
      "Where the time went",
      legend_of(seconds.layers) + paragraph_html(sentence, "quiet") + beside_html(parts));
}

std::string partition_section(const RunRecord& run) {
  std::string html;
  if (run.ranks > 0)
    html = paragraph_html(fmt::format("{} rank(s); {} rows cross ranks per layer.", run.ranks,
                                      value_text(run.rows_sent_per_layer)));
  std::vector<std::string> figures;
  for (const auto& [name, caption] :
       {std::pair("ratings", "Ratings"), std::pair("edges", "Liked edges"),
        std::pair("users", "Users owned"), std::pair("items", "Items owned"),
        std::pair("halo_rows", "Halo rows")})
    figures.push_back(share_figure(run, name, caption));
  if (!run.shares.empty()) html += figures_html(figures);
  if (!run.memory.empty()) html += memory_table(run);
  return section_html("Partition and balance", html);
}

std::string cost_comparison(std::span<const RunRecord> runs) {
  Table table{
      "", {"run", "ranks", "epochs", "seconds", "ratings/s", "sent an epoch", "memory a rank"}, {}};
  for (const RunRecord& run : runs) {
    double ratings = 0.0;
    for (const EpochRecord& epoch : run.epochs) ratings += epoch.ratings;
    double bytes = 0.0;
    for (const PhaseRecord& sum : phase_sums(run)) bytes += sum.bytes;
    double memory = 0.0;
    for (const NamedValue& use : run.memory) memory += use.value;
    const bool trained = run.epochs_done() > 0.0;
    table.rows.push_back(
        {{run.name},
         number_cell(fmt::format("{}", run.ranks)),
         number_cell(value_text(run.epochs_done())),
         number_cell(fmt::format("{:.1f}", run.seconds())),
         number_cell(trained ? value_text(std::round(ratings / run.seconds())) : "-"),
         number_cell(trained ? bytes_text(bytes / run.epochs_done()) : "-"),
         number_cell(bytes_text(memory))});
  }
  return section_html("Cost", table_html(table));
}

}  // namespace siren
