// SPDX-License-Identifier: Apache-2.0
#include "observe/curve_section.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include <fmt/format.h>

#include "observe/html.hpp"
#include "observe/metric_section.hpp"
#include "observe/svg_chart.hpp"

namespace siren::inline observe {

namespace {

/// Metrics that everybody wants to see; the others unfold.
constexpr std::array<std::string_view, 5> kShown = {"nDCG@10", "R@10", "Dislike@10",
                                                    "Dislike share@10", "AUC"};
constexpr const char* kEpochs = "epochs";

bool is_shown(std::string_view metric) {
  return std::find(kShown.begin(), kShown.end(), metric) != kShown.end();
}

template <class Value>
LineChart chart_of(std::span<const RunRecord> runs, const std::string& name, const Value& value) {
  LineChart chart{name + " by epoch", kEpochs, true, {}};
  for (std::size_t r = 0; r < runs.size(); ++r) {
    LineSeries series{runs.size() > 1 ? runs[r].name : name, run_style(r), {}};
    for (const RecordedEpoch& epoch : runs[r].epochs)
      series.points.push_back({epoch.at, value(epoch)});
    chart.series.push_back(std::move(series));
  }
  return chart;
}

std::string loss_figure(std::span<const RunRecord> runs) {
  LineChart chart = chart_of(runs, "loss", [](const RecordedEpoch& epoch) { return epoch.loss; });
  bool steps = false;
  for (std::size_t r = 0; r < runs.size(); ++r) {
    if (runs[r].step_losses.empty()) continue;
    steps = true;
    chart.series.insert(chart.series.begin(),
                        {"loss of a step", run_style(r), runs[r].step_losses, Stroke::kFaint});
  }
  return figure_html("Loss", line_chart(chart),
                     steps ? "per rating; thin: single steps" : "per rating, mean of the epoch");
}

std::string metric_figure(std::span<const RunRecord> runs, const std::string& metric) {
  LineChart chart{metric + " by epoch", kEpochs, true, {}};
  for (std::size_t r = 0; r < runs.size(); ++r) {
    const std::string who = runs.size() > 1 ? runs[r].name + ", " : "";
    LineSeries series{who + metric, run_style(r), {}};
    for (const RecordedEvaluation& evaluation : runs[r].evaluations)
      series.points.push_back({evaluation.at, evaluation.metric_or_nan(metric)});
    chart.series.push_back(std::move(series));
    if (runs[r].evaluated_at_end())
      chart.series.push_back({fmt::format("{}final, {} split", who, runs[r].final->split),
                              run_style(r),
                              {{runs[r].final->at, runs[r].final->metric_or_nan(metric)}},
                              Stroke::kRing});
  }
  return figure_html(metric, line_chart(chart), meaning_of(metric));
}

std::vector<std::string> metrics_of(std::span<const RunRecord> runs) {
  std::vector<std::string> names;
  for (const RunRecord& run : runs)
    if (run.shown_evaluation() != nullptr)
      for (std::string& name : headline_metrics(run.shown_evaluation()->metrics))
        if (std::find(names.begin(), names.end(), name) == names.end())
          names.push_back(std::move(name));
  return names;
}

/// What the curves and rings were measured on.
std::string splits_note(std::span<const RunRecord> runs) {
  std::string watched;
  for (const RunRecord& run : runs)
    for (const RecordedEvaluation& evaluation : run.evaluations)
      if (watched.find(evaluation.split) == std::string::npos)
        watched += (watched.empty() ? "" : " or ") + evaluation.split;
  std::string note = watched.empty() ? "The model was not evaluated during training (--eval-every)."
                                     : fmt::format("Lines: the {} split during training.", watched);
  if (watched.empty()) return note;
  const bool evaluated = std::any_of(runs.begin(), runs.end(),
                                     [](const RunRecord& run) { return run.evaluated_at_end(); });
  return evaluated ? note + " Ring: the final model on the test split." : note;
}

}  // namespace

std::string run_legend(std::span<const RunRecord> runs) {
  if (runs.size() < 2) return {};
  std::vector<LegendEntry> entries;
  for (std::size_t r = 0; r < runs.size(); ++r)
    entries.push_back({runs[r].name, run_style(r), true});
  return legend_html(entries);
}

std::string curve_section(std::span<const RunRecord> runs) {
  std::vector<std::string> shown{loss_figure(runs)};
  std::vector<std::string> folded;
  // A final figure alone makes no curve; the table of metrics has it.
  const bool watched =
      std::ranges::any_of(runs, [](const RunRecord& run) { return !run.evaluations.empty(); });
  for (const std::string& metric : watched ? metrics_of(runs) : std::vector<std::string>())
    (is_shown(metric) ? shown : folded).push_back(metric_figure(runs, metric));
  shown.push_back(
      figure_html("Time",
                  line_chart(chart_of(runs, "seconds",
                                      [](const RecordedEpoch& epoch) { return epoch.seconds; })),
                  "seconds of training an epoch"));
  folded.push_back(figure_html(
      "L2 term",
      line_chart(chart_of(runs, "reg", [](const RecordedEpoch& epoch) { return epoch.reg; })),
      "per rating"));
  std::string html = run_legend(runs) + paragraph_html(splits_note(runs), "quiet");
  html += figures_html(shown) + details_html("More curves", figures_html(folded));
  if (runs.size() == 1) html += epoch_table(runs.front());
  return section_html("Training", html);
}

std::string epoch_table(const RunRecord& run) {
  constexpr std::size_t kMostRows = 200;
  const std::vector<std::string> metrics = run.evaluations.empty()
                                               ? std::vector<std::string>()
                                               : headline_metrics(run.evaluations.front().metrics);
  Table table{"", {"epoch", "loss", "L2 term", "seconds", "ratings/s"}, {}};
  table.head.insert(table.head.end(), metrics.begin(), metrics.end());
  const std::size_t stride = run.epochs.size() / kMostRows + 1;
  for (std::size_t e = 0; e < run.epochs.size(); ++e) {
    if (e % stride != 0 && e + 1 != run.epochs.size()) continue;
    const RecordedEpoch& epoch = run.epochs[e];
    std::vector<TableCell> row{
        number_cell(value_text(epoch.at)), number_cell(value_text(epoch.loss)),
        number_cell(value_text(epoch.reg)), number_cell(fmt::format("{:.2f}", epoch.seconds)),
        number_cell(value_text(std::round(static_cast<double>(epoch.ratings) / epoch.seconds)))};
    const auto evaluated =
        std::find_if(run.evaluations.begin(), run.evaluations.end(),
                     [&](const RecordedEvaluation& j) { return j.at == epoch.at; });
    for (const std::string& metric : metrics)
      row.push_back(number_cell(
          evaluated == run.evaluations.end() ? "" : metric_text(evaluated->metric_or_nan(metric))));
    table.rows.push_back(std::move(row));
  }
  return table.rows.empty() ? "" : details_html("The figures as a table", table_html(table));
}

}  // namespace siren::inline observe
