// SPDX-License-Identifier: Apache-2.0
#include "observe/frontier_section.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "observe/html.hpp"
#include "observe/metric_section.hpp"
#include "observe/svg_chart.hpp"

namespace siren::inline observe {

namespace {

std::string lambda_text(double lambda) {
  return fmt::format("{:.4g}", lambda);
}

std::string other_style(std::size_t model) {
  return run_style(2 + model);
}

std::string other_legend(std::span<const OtherModel> others) {
  if (others.empty()) return {};
  std::vector<LegendEntry> entries = {{"by lambda", run_style(0), true}, {"chosen", run_style(1)}};
  for (std::size_t i = 0; i < others.size(); ++i)
    entries.push_back({others[i].name, other_style(i)});
  return legend_html(entries);
}

std::string frontier_chart(const LambdaEvent& choice, std::span<const OtherModel> others) {
  LineChart chart{"nDCG@10 over Dislike@10 by lambda", "Dislike@10", false, {}};
  LineSeries all{"by lambda", run_style(0), {}};
  LineSeries chosen{"chosen", run_style(1), {}, Stroke::kRing};
  for (const FrontierPoint& point : choice.frontier) {
    if (std::isnan(point.dislike)) continue;
    all.points.push_back({point.dislike, point.ndcg});
    if (point.lambda == choice.lambda) chosen.points.push_back(all.points.back());
  }
  std::ranges::sort(all.points, {}, &ChartPoint::x);
  chart.series = {all, chosen};
  for (std::size_t i = 0; i < others.size(); ++i)
    chart.series.push_back(
        {others[i].name, other_style(i), {{others[i].dislike, others[i].ndcg}}, Stroke::kRing});
  return line_chart(chart);
}

}  // namespace

std::string frontier_section(const RunRecord& run, std::span<const OtherModel> others) {
  if (!run.lambda || run.lambda->frontier.empty()) return {};
  const LambdaEvent& choice = *run.lambda;
  Table table{"", {"lambda", "nDCG@10", "Dislike@10", "AUC"}, {}};
  for (const FrontierPoint& point : choice.frontier) {
    const bool chosen = point.lambda == choice.lambda;
    std::vector<TableCell> row{{lambda_text(point.lambda), false, chosen, {}}};
    for (const double value : {point.ndcg, point.dislike, point.auc})
      row.push_back(number_cell(metric_text(value)));
    table.rows.push_back(std::move(row));
  }
  for (const OtherModel& other : others)
    table.rows.push_back({{other.name, false, false, {}},
                          number_cell(metric_text(other.ndcg)),
                          number_cell(metric_text(other.dislike)),
                          number_cell("")});
  const std::string note = fmt::format(
      "The score is z + lambda log P(liked | engaged). Lambda {} was chosen on the {} split ({}).",
      lambda_text(choice.lambda), choice.split, choice.rule);
  return section_html(
      "Likes against dislikes",
      paragraph_html(note, "quiet") +
          figures_html({figure_html(
              "nDCG@10 over Dislike@10", frontier_chart(choice, others) + other_legend(others),
              others.empty() ? "up and left is better; ring: chosen"
                             : "up and left is better; rings: chosen, other models")}) +
          details_html("All lambdas", table_html(table)));
}

}  // namespace siren::inline observe
