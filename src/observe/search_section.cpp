// SPDX-License-Identifier: Apache-2.0
#include "observe/search_section.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "events/json.hpp"
#include "observe/html.hpp"
#include "observe/metric_section.hpp"
#include "siren/error.hpp"

namespace siren::inline observe {

namespace {

RecordedCandidate candidate_from_json(const nlohmann::ordered_json& json,
                                      const std::string& chosen) {
  RecordedCandidate candidate;
  candidate.name = json.at("candidate").get<std::string>();
  candidate.epochs = count_number(json.at("epochs"));
  candidate.best_epoch = count_number(json.at("best_epoch"));
  candidate.ndcg = real_number(json.at("nDCG@10"));
  candidate.seconds = real_number(json.at("seconds"));
  candidate.chosen = candidate.name == chosen;
  if (!json.contains("choice")) return candidate;
  const auto choice = std::get<LambdaEvent>(event_from_json(json.at("choice")).value());
  const auto point = std::ranges::find(choice.frontier, choice.lambda, &FrontierPoint::lambda);
  if (point != choice.frontier.end()) candidate.point = *point;
  return candidate;
}

}  // namespace

std::vector<RecordedCandidate> read_candidates(const std::string& text, const std::string& path) {
  try {
    const auto json = parse_json(text);
    const auto chosen = json.at("chosen").get<std::string>();
    std::vector<RecordedCandidate> candidates;
    for (const auto& candidate : json.at("candidates"))
      candidates.push_back(candidate_from_json(candidate, chosen));
    return candidates;
  } catch (const std::exception& error) {
    throw InputError(fmt::format("{}: not the results of a search: {}", path, error.what()));
  }
}

std::string search_section(const RunRecord& run) {
  if (run.candidates.empty()) return {};
  Table table{"",
              {"candidate", "best nDCG@10", "lambda", "nDCG@10", "Dislike@10", "AUC", "epochs",
               "best at", "seconds"},
              {}};
  for (const RecordedCandidate& candidate : run.candidates) {
    std::vector<TableCell> row{{candidate.name, false, candidate.chosen, {}},
                               number_cell(metric_text(candidate.ndcg))};
    if (const auto& point = candidate.point)
      for (const std::string& text :
           {fmt::format("{:.4g}", point->lambda), metric_text(point->ndcg),
            metric_text(point->dislike), metric_text(point->auc)})
        row.push_back(number_cell(text));
    else
      row.insert(row.end(), 4, TableCell{});
    row.push_back(number_cell(value_text(static_cast<double>(candidate.epochs))));
    row.push_back(number_cell(value_text(static_cast<double>(candidate.best_epoch))));
    row.push_back(number_cell(fmt::format("{:.1f}", candidate.seconds)));
    table.rows.push_back(std::move(row));
  }
  return section_html(
      "Search", paragraph_html("Figures of validation ratings, by which the settings were "
                               "chosen: the best nDCG@10 over lambda decided; beside it, what the "
                               "lambda of the rule gives. The least promising ended early.",
                               "quiet") +
                    table_html(table));
}

}  // namespace siren::inline observe
