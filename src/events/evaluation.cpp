// SPDX-License-Identifier: Apache-2.0
#include "siren/evaluation.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>
#include <limits>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "core/text.hpp"
#include "events/json.hpp"
#include "siren/error.hpp"

namespace siren::inline events {

namespace {

constexpr std::size_t kNameWidth = 14;  // "Dislike share"

std::vector<Figure> figures_from_json(const nlohmann::ordered_json& json) {
  if (!json.is_object()) throw InputError("figures are no object");
  std::vector<Figure> figures;
  for (const auto& [name, value] : json.items()) figures.push_back({name, real_number(value)});
  return figures;
}

/// The k of "P@k", in their order.
std::vector<int> cutoffs_of(const std::vector<Figure>& metrics) {
  const std::string before = fmt::format("{}@", kMetricNames.front());
  std::vector<int> cutoffs;
  for (const Figure& figure : metrics) {
    if (!figure.name.starts_with(before)) continue;
    int cutoff = 0;
    std::from_chars(figure.name.data() + before.size(), figure.name.data() + figure.name.size(),
                    cutoff);
    cutoffs.push_back(cutoff);
  }
  return cutoffs;
}

std::string cell(double value, std::size_t width) {
  return std::isnan(value) ? fmt::format("{:>{}}", "-", width)
                           : fmt::format("{:>{}.4f}", value, width);
}

/// Of a column headed "Dislike@10".
std::size_t width_of(std::string_view metric) {
  return std::max<std::size_t>(9, metric.size() + 5);
}

/// Figures come as rows of one figure a cutoff; `name` is what stands before the '@'.
void append_rows(std::string& text, const std::vector<Figure>& figures, std::size_t cutoffs) {
  for (std::size_t i = 0; i + cutoffs <= figures.size(); i += cutoffs) {
    const std::string& name = figures[i].name;
    if (name.find('@') == std::string::npos) break;
    text += fmt::format("{:<{}}", name.substr(0, name.find('@')), kNameWidth);
    for (std::size_t c = 0; c < cutoffs; ++c) text += cell(figures[i + c].value, 9);
    text += '\n';
  }
}

/// One line a group: the metrics at the cutoff nearest to what most tables quote.
void append_groups(std::string& text, const EvaluationReport& report) {
  constexpr int kUsualCutoff = 10;
  const auto usual =
      std::lower_bound(report.cutoffs.begin(), report.cutoffs.end() - 1, kUsualCutoff);
  const auto chosen = static_cast<std::size_t>(usual - report.cutoffs.begin());
  text += fmt::format("{:<12}{:>9}", "train size", "users");
  for (const std::string_view name : kMetricNames)
    text += fmt::format("{:>{}}", fmt::format("{}@{}", name, *usual), width_of(name));
  text += fmt::format("{:>9}\n", "AUC");
  for (const ActivityGroup& group : report.groups) {
    text += fmt::format("{:<12}{:>9}", group.name, grouped(group.users));
    for (std::size_t m = 0; m < kMetrics; ++m)
      text +=
          cell(group.metrics[m * report.cutoffs.size() + chosen].value, width_of(kMetricNames[m]));
    text += cell(group.metrics.back().value, 9) + '\n';
  }
}

}  // namespace

std::string describe(const Ties& ties) {
  return fmt::format(
      "{} of {} lists hold equal scores, ordered by item id ({} of them across a cutoff)",
      grouped(ties.tied), grouped(ties.lists), grouped(ties.at_cutoff));
}

std::string describe(const UserSample& sample) {
  constexpr std::string_view kUsual = "nDCG@10";
  const auto usual = std::ranges::find(sample.errors, kUsual, &Figure::name);
  const Figure& figure = usual == sample.errors.end() ? sample.errors.back() : *usual;
  return fmt::format("a sample of {} of {} users; standard error of {} {}", grouped(sample.users),
                     grouped(sample.of), figure.name, cell(figure.value, 0));
}

double EvaluationReport::metric(std::string_view name) const {
  for (const Figure& figure : metrics)
    if (figure.name == name) return figure.value;
  throw InputError(fmt::format("metric {}: unknown; use one of {}", name,
                               fmt::join(metric_names(cutoffs), ", ")));
}

double EvaluationReport::metric_or_nan(std::string_view name) const {
  for (const Figure& figure : metrics)
    if (figure.name == name) return figure.value;
  return std::numeric_limits<double>::quiet_NaN();
}

std::vector<std::string> metric_names(std::span<const int> cutoffs) {
  std::vector<std::string> names;
  for (const std::string_view metric : kMetricNames)
    for (const int cutoff : cutoffs) names.push_back(fmt::format("{}@{}", metric, cutoff));
  names.emplace_back("AUC");
  return names;
}

nlohmann::ordered_json figures_json(const std::vector<Figure>& figures) {
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
  for (const Figure& figure : figures) json[figure.name] = figure.value;
  return json;
}

nlohmann::ordered_json to_json(const EvaluationReport& report) {
  nlohmann::ordered_json groups = nlohmann::ordered_json::object();
  for (const ActivityGroup& group : report.groups)
    groups[group.name] = {{"users", group.users}, {"metrics", figures_json(group.metrics)}};
  nlohmann::ordered_json json;
  json["split"] = report.split;
  json["users"] = report.users;
  json["metrics"] = figures_json(report.metrics);
  json["groups"] = groups;
  json["exposure"] = figures_json(report.exposure);
  json["disliking_users"] = report.disliking_users;
  json["auc_users"] = report.auc_users;
  json["candidates"] = report.candidates;
  json["also_in_train"] = report.also_in_train;
  json["mask"] = report.mask;
  json["also_in_valid"] = report.also_in_valid;
  json["overlap"] = report.overlap;
  if (report.sample)
    json["sample"] = {{"users", report.sample->users},
                      {"of", report.sample->of},
                      {"standard_errors", figures_json(report.sample->errors)}};
  json["ties"] = {{"lists", report.ties.lists},
                  {"tied", report.ties.tied},
                  {"at_cutoff", report.ties.at_cutoff}};
  if (report.lambda) json["lambda"] = *report.lambda;
  json["seconds"] = report.seconds;
  return json;
}

EvaluationReport evaluation_from_json(const nlohmann::ordered_json& json) {
  EvaluationReport report;
  report.split = json.at("split").get<std::string>();
  report.users = count_number(json.at("users"));
  report.metrics = figures_from_json(json.at("metrics"));
  report.cutoffs = cutoffs_of(report.metrics);
  for (const auto& [name, group] : json.at("groups").items())
    report.groups.push_back(
        {name, count_number(group.at("users")), figures_from_json(group.at("metrics"))});
  report.exposure = figures_from_json(json.at("exposure"));
  report.disliking_users = count_or(json, "disliking_users", 0);
  report.auc_users = count_or(json, "auc_users", 0);
  report.candidates = count_or(json, "candidates", 0);
  report.also_in_train = count_or(json, "also_in_train", 0);
  report.mask = text_or(json, "mask", report.mask);
  report.also_in_valid = count_or(json, "also_in_valid", 0);
  report.overlap = text_or(json, "overlap", report.overlap);
  if (json.contains("sample")) {
    const nlohmann::ordered_json& sample = json.at("sample");
    report.sample = {count_number(sample.at("users")), count_number(sample.at("of")),
                     figures_from_json(sample.at("standard_errors"))};
  }
  if (json.contains("ties"))
    report.ties = {count_number(json.at("ties").at("lists")),
                   count_number(json.at("ties").at("tied")),
                   count_number(json.at("ties").at("at_cutoff"))};
  if (json.contains("lambda")) report.lambda = real_number(json.at("lambda"));
  report.seconds = real_number(json.at("seconds"));
  return report;
}

std::string format_report(const EvaluationReport& report) {
  std::string text = fmt::format("{}: {} users, {} candidate items, {} masked, {}\n", report.split,
                                 grouped(report.users), grouped(report.candidates), report.mask,
                                 human_seconds(report.seconds));
  const std::string_view fate = report.overlap == "keep"
                                    ? "can be in no list; the relevant ones count as missed"
                                    : "were left out";
  if (report.also_in_train > 0)
    text += fmt::format("{} held-out pairs are also in train and {}\n",
                        grouped(report.also_in_train), fate);
  if (report.also_in_valid > 0)
    text += fmt::format("{} held-out pairs are also in validation and {}\n",
                        grouped(report.also_in_valid), fate);
  if (report.sample) text += describe(*report.sample) + '\n';
  if (report.ties.notable()) text += describe(report.ties) + '\n';
  text += fmt::format("{:<{}}", "", kNameWidth);
  for (const int cutoff : report.cutoffs) text += fmt::format("{:>9}", fmt::format("@{}", cutoff));
  text += '\n';
  append_rows(text, report.metrics, report.cutoffs.size());
  append_rows(text, report.exposure, report.cutoffs.size());
  text += fmt::format("{:<{}}{}  (liked above disliked, {} users)\n", "AUC", kNameWidth,
                      cell(report.metrics.back().value, 9), grouped(report.auc_users));
  append_groups(text, report);
  return text;
}

}  // namespace siren::inline events
