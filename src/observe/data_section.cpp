// SPDX-License-Identifier: Apache-2.0
#include "observe/data_section.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <vector>

#include <fmt/format.h>

#include "core/text.hpp"
#include "observe/html.hpp"
#include "observe/svg_chart.hpp"

namespace siren::inline observe {

namespace {

std::vector<TableCell> sign_row(std::string name, const SignCounts& counts) {
  const auto share = [&](EdgeOffset part) {
    return counts.total() == 0 ? std::string()
                               : fmt::format("{:.1f} %", 100.0 * static_cast<double>(part) /
                                                             static_cast<double>(counts.total()));
  };
  return {{std::move(name)},
          number_cell(grouped(counts.total())),
          {grouped(counts.liked), true, false, share(counts.liked)},
          {grouped(counts.disliked), true, false, share(counts.disliked)},
          {grouped(counts.neither), true, false, share(counts.neither)}};
}

/// The fold of the run; the first if config.ini has none that the data set knows.
std::int32_t fold_of(const RunRecord& run, const DatasetSummary& data) {
  const std::string text = run.settings.value_of("fold");
  std::int32_t fold = 1;
  std::from_chars(text.data(), text.data() + text.size(), fold);
  return data.split.has_fold(fold) ? fold : 1;
}

/// The offset of the training, which may differ from the data set's.
double offset_of(const RunRecord& run, const DatasetSummary& data) {
  return run.memory.train ? run.memory.train->offset : static_cast<double>(data.statistics.offset);
}

std::string sign_table(const RunRecord& run) {
  Table table{"Ratings by sign", {"part", "ratings", "liked", "disliked", "neither"}, {}};
  if (run.memory.train)
    table.rows.push_back(
        sign_row(fmt::format("trained on, offset {}", run.memory.train->offset),
                 {run.memory.train->liked, run.memory.train->disliked, run.memory.train->neither}));
  if (run.dataset) {
    const DatasetSummary& data = *run.dataset;
    const std::int32_t fold = fold_of(run, data);
    const std::string at = fmt::format(", offset {}", data.statistics.offset);
    if (!run.memory.train)
      table.rows.push_back(sign_row("train part" + at, data.statistics.train_of(data.split, fold)));
    if (const SignCounts test = data.statistics.test_of(data.split, fold); test.total() > 0)
      table.rows.push_back(sign_row("test part" + at, test));
    table.rows.push_back(sign_row("data set" + at, data.statistics.all()));
  }
  return table.rows.empty() ? "" : table_html(table);
}

/// Columns by value, in the colour of their sign.
std::string histogram_figure(const RunRecord& run) {
  const DatasetStatistics& statistics = run.dataset->statistics;
  const double offset = offset_of(run, *run.dataset);
  const std::size_t columns = statistics.histogram.size();
  ColumnChart chart{"number of ratings by value", "rating", "ratings", "", {}, {}};
  for (const char* sign : {"disliked", "neither", "liked"})
    chart.layers.push_back({sign, sign, std::vector<double>(columns, 0.0)});
  for (std::size_t c = 0; c < columns; ++c) {
    const ValueCount& entry = statistics.histogram[c];
    const auto value = static_cast<double>(entry.value);
    chart.categories.push_back(fmt::format("{:.4g}", value));
    const std::size_t layer = value < offset ? 0 : value == offset ? 1 : 2;
    chart.layers[layer].values[c] = static_cast<double>(entry.count);
  }
  const std::string legend =
      legend_html({{"disliked", "disliked"}, {"neither", "neither"}, {"liked", "liked"}});
  return figure_html(
      "Ratings by value", column_chart(chart) + legend,
      fmt::format("{}offset {}", statistics.exact_histogram ? "" : "bins by lower edge, ", offset));
}

std::string degree_table(const DatasetStatistics& statistics) {
  Table table{"Ratings per user and per item",
              {"", "least", "25 %", "median", "75 %", "90 %", "99 %", "most"},
              {}};
  for (const auto& [name, degree] :
       {std::pair("user", &statistics.user_degree), std::pair("item", &statistics.item_degree)}) {
    std::vector<TableCell> row{{name}};
    for (const EdgeOffset quantile : *degree) row.push_back(number_cell(grouped(quantile)));
    table.rows.push_back(std::move(row));
  }
  return table_html(table);
}

std::string size_sentence(const RunRecord& run) {
  if (!run.dataset)
    return run.memory.train ? fmt::format("{} users, {} items.", grouped(run.memory.train->users),
                                          grouped(run.memory.train->items))
                            : std::string();
  const DatasetSummary& data = *run.dataset;
  const double cells = static_cast<double>(data.users) * static_cast<double>(data.items);
  const std::int32_t fold = fold_of(run, data);
  return fmt::format(
      "{}: {} users, {} items, {} ratings ({:.3g} % of all pairs); split {}, fold {} of {}{}.",
      run.settings.value_of("data"), grouped(data.users), grouped(data.items),
      grouped(data.ratings), 100.0 * static_cast<double>(data.ratings) / cells, data.split_method,
      fold, data.split.folds,
      data.statistics.test_of(data.split, fold).total() == 0 ? ", no test part" : "");
}

}  // namespace

std::string data_section(const RunRecord& run) {
  std::string html = paragraph_html(size_sentence(run));
  if (!run.dataset_problem.empty())
    html += paragraph_html("The dataset file tells nothing more: " + run.dataset_problem, "note");
  if (!run.dataset) return section_html("Data", html + sign_table(run));
  const std::string tables = sign_table(run) + degree_table(run.dataset->statistics);
  return section_html(
      "Data", html + beside_html({histogram_figure(run), fmt::format("<div>{}</div>\n", tables)}));
}

}  // namespace siren::inline observe
