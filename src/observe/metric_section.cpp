// SPDX-License-Identifier: Apache-2.0
#include "observe/metric_section.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "core/text.hpp"
#include "observe/html.hpp"
#include "observe/svg_chart.hpp"

namespace siren::inline observe {

namespace {

struct Meaning {
  std::string_view metric;
  std::string_view meaning;
};

constexpr std::array<Meaning, 11> kMeanings = {
    {{"P", "of the list is liked"},
     {"R", "liked items found"},
     {"nDCG", "ranking of liked items"},
     {"HR", "users with a liked item in the list"},
     {"MRR", "place of the first liked item"},
     {"MAP", "precision at each liked item"},
     {"Dislike", "of the list is disliked, less is better"},
     {"Dislike share", "of listed items with a verdict, less is better"},
     {"AUC", "liked above disliked"},
     {"coverage", "of the candidates in some list"},
     {"popularity", "of listed items, 1 = average"}}};

std::string_view base_of(std::string_view metric) {
  return metric.substr(0, metric.find('@'));
}

std::string_view cutoff_of(std::string_view metric) {
  const std::size_t at = metric.find('@');
  return at == std::string_view::npos ? std::string_view() : metric.substr(at);
}

template <class T>
void add_once(std::vector<std::string>& names, const T& name) {
  if (std::find(names.begin(), names.end(), name) == names.end()) names.emplace_back(name);
}

double value_of(const std::vector<Figure>& figures, const std::string& name) {
  for (const Figure& figure : figures)
    if (figure.name == name) return figure.value;
  return NAN;
}

/// A row a metric, a column a cutoff; those without a cutoff stand in the first column.
std::string by_cutoff(const std::vector<Figure>& figures, std::string caption) {
  std::vector<std::string> bases;
  std::vector<std::string> cutoffs;
  for (const Figure& figure : figures) {
    add_once(bases, base_of(figure.name));
    if (!cutoff_of(figure.name).empty()) add_once(cutoffs, cutoff_of(figure.name));
  }
  Table table{std::move(caption), {"metric"}, {}};
  table.head.insert(table.head.end(), cutoffs.begin(), cutoffs.end());
  for (const std::string& base : bases) {
    const double whole = value_of(figures, base);
    std::vector<TableCell> row{{base, false, false, std::string(meaning_of(base))}};
    for (const std::string& cutoff : cutoffs) {
      const bool first = row.size() == 1 && !std::isnan(whole);
      const double value = first ? whole : value_of(figures, base + cutoff);
      row.push_back(number_cell(
          !first && std::isnan(value) && !std::isnan(whole) ? std::string() : metric_text(value)));
    }
    table.rows.push_back(std::move(row));
  }
  return table_html(table);
}

std::string by_group(const RecordedEvaluation& evaluation) {
  const std::vector<std::string> metrics = headline_metrics(evaluation.metrics);
  Table table{"By activity of the user", {"train ratings", "users"}, {}};
  table.head.insert(table.head.end(), metrics.begin(), metrics.end());
  for (const ActivityGroup& group : evaluation.groups) {
    std::vector<TableCell> row{{group.name}, number_cell(grouped(group.users))};
    for (const std::string& metric : metrics)
      row.push_back(number_cell(metric_text(value_of(group.metrics, metric))));
    table.rows.push_back(std::move(row));
  }
  return table_html(table);
}

std::string evaluated_at(const RunRecord& run) {
  const RecordedEvaluation& evaluation = *run.shown_evaluation();
  const char* const which = run.evaluated_at_end() ? ""
                            : run.final            ? " (no test part: its last evaluation)"
                                        : " (the run is not finished: its last evaluation)";
  return fmt::format("{} split, {} users, {} epochs of training{}", evaluation.split,
                     grouped(evaluation.users), value_text(evaluation.at), which);
}

/// The best of a metric over runs that were evaluated on `split`; NaN if there are not two to compare.
double best_of(std::span<const RunRecord> runs, const std::string& metric,
               const std::string& split) {
  double best = NAN;
  int evaluated = 0;
  for (const RunRecord& run : runs) {
    if (run.shown_evaluation() == nullptr || run.shown_evaluation()->split != split) continue;
    const double value = run.shown_evaluation()->metric_or_nan(metric);
    if (std::isnan(value)) continue;
    ++evaluated;
    if (std::isnan(best) || (less_is_better(metric) ? value < best : value > best)) best = value;
  }
  return evaluated > 1 ? best : NAN;
}

std::string first_split(std::span<const RunRecord> runs) {
  for (const RunRecord& run : runs)
    if (run.shown_evaluation() != nullptr) return run.shown_evaluation()->split;
  return {};
}

}  // namespace

bool less_is_better(std::string_view metric) {
  return base_of(metric).starts_with("Dislike");
}

std::string_view meaning_of(std::string_view metric) {
  for (const Meaning& known : kMeanings)
    if (known.metric == base_of(metric)) return known.meaning;
  return {};
}

std::vector<std::string> headline_metrics(const std::vector<Figure>& metrics) {
  std::vector<std::string> names;
  for (const Figure& figure : metrics) {
    const auto same = std::find_if(names.begin(), names.end(), [&](const std::string& name) {
      return base_of(name) == base_of(figure.name);
    });
    if (same == names.end())
      names.push_back(figure.name);
    else if (cutoff_of(figure.name) == "@10")
      *same = figure.name;
  }
  return names;
}

std::string metric_text(double value) {
  return std::isnan(value) ? "-" : fmt::format("{:.4f}", value);
}

std::string metric_section(const RunRecord& run) {
  const RecordedEvaluation* evaluation = run.shown_evaluation();
  if (evaluation == nullptr)
    return section_html(
        "Metrics", paragraph_html(run.final ? "There is no test part: the model was not evaluated."
                                            : "The model has not been evaluated yet.",
                                  "quiet"));
  std::vector<std::string> tables{by_cutoff(evaluation->metrics, evaluated_at(run)),
                                  by_group(*evaluation)};
  if (!evaluation->exposure.empty())
    tables.push_back(by_cutoff(evaluation->exposure, "Exposure of items"));
  return section_html("Metrics", beside_html(tables));
}

std::string metric_comparison(std::span<const RunRecord> runs) {
  std::vector<std::string> metrics;
  const std::string split = first_split(runs);
  for (const RunRecord& run : runs)
    if (run.shown_evaluation() != nullptr)
      for (const std::string& name : headline_metrics(run.shown_evaluation()->metrics))
        add_once(metrics, name);
  Table table{
      "The best of each column is bold; of both Dislike figures less is better, of all others more",
      {"run", "evaluated"},
      {}};
  table.head.insert(table.head.end(), metrics.begin(), metrics.end());
  for (const RunRecord& run : runs) {
    const RecordedEvaluation* evaluation = run.shown_evaluation();
    std::vector<TableCell> row{{run.name}};
    row.push_back({evaluation == nullptr ? run.final ? "no test part" : "not yet"
                                         : fmt::format("{}, epoch {}", evaluation->split,
                                                       value_text(evaluation->at))});
    if (!run.final) row.back().note = "not finished";
    for (const std::string& metric : metrics) {
      const double value = evaluation == nullptr ? NAN : evaluation->metric_or_nan(metric);
      const bool best = evaluation != nullptr && evaluation->split == split &&
                        value == best_of(runs, metric, split);
      row.push_back({metric_text(value), true, best});
    }
    table.rows.push_back(std::move(row));
  }
  return section_html("Metrics", table_html(table));
}

}  // namespace siren::inline observe
