// SPDX-License-Identifier: Apache-2.0
#include "app/cv_results.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "siren/check.hpp"

namespace siren::inline app {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<std::string_view, 5> kShown = {"nDCG@10", "R@10", "Dislike@10",
                                                    "Dislike share@10", "AUC"};
constexpr std::size_t kCell = 18;

/// As short as it can be without loss; empty for NaN.
std::string exact(double value) {
  return std::isnan(value) ? std::string() : fmt::format("{}", value);
}

std::string rounded(double value, bool sign) {
  if (std::isnan(value)) return "-";
  return sign ? fmt::format("{:+.4f}", value) : fmt::format("{:.4f}", value);
}

}  // namespace

std::string headline(const EvaluationReport& report) {
  std::string text;
  for (const std::string_view metric : kShown)
    text += fmt::format("{}{} {}", text.empty() ? "" : "  ", metric,
                        rounded(report.metric_or_nan(metric), false));
  return text;
}

CvResults::CvResults(std::vector<CvRun> runs, std::vector<FinalEvent> finals)
    : runs_(std::move(runs)), finals_(std::move(finals)) {
  for (const CvRun& run : runs_)
    if (variations_.empty() || variations_.back() != run.variation)
      variations_.push_back(run.variation);
  for (std::size_t v = 0; v < variations_.size(); ++v)
    for (const auto& [metric, unused] : finals_.front().report.metrics) {
      const std::vector<double> ours = values(v, metric);
      CvFigure figure{variations_[v], metric, spread_of(ours), {}};
      if (v > 0) figure.difference = compare_pairs(values(0, metric), ours);
      figures_.push_back(figure);
    }
}

std::vector<double> CvResults::values(std::size_t variation, const std::string& metric) const {
  std::vector<double> result;
  for (std::size_t i = 0; i < runs_.size(); ++i)
    if (runs_[i].variation == variations_[variation])
      result.push_back(finals_[i].report.metric_or_nan(metric));
  return result;
}

const CvFigure& CvResults::figure(const std::string& variation, std::string_view metric) const {
  const auto at = std::find_if(figures_.begin(), figures_.end(), [&](const CvFigure& f) {
    return f.variation == variation && f.metric == metric;
  });
  SIREN_ASSERT(at != figures_.end(), "no {} of {}", metric, variation);
  return *at;
}

std::vector<std::string_view> CvResults::shown() const {
  std::vector<std::string_view> metrics;
  for (const std::string_view metric : kShown)
    if (std::ranges::find(figures_, metric, &CvFigure::metric) != figures_.end())
      metrics.push_back(metric);
  return metrics;
}

std::string CvResults::table() const {
  std::size_t width = std::string_view("variation").size();
  for (const std::string& name : variations_) width = std::max(width, name.size());
  std::string text = fmt::format("mean (standard deviation) of {} run(s) each\n{:{}}",
                                 runs_.size() / variations_.size(), "variation", width);
  const std::vector<std::string_view> metrics = shown();
  for (const std::string_view metric : metrics) text += fmt::format("{:>{}}", metric, kCell);
  for (const std::string& variation : variations_) {
    text += fmt::format("\n{:{}}", variation, width);
    for (const std::string_view metric : metrics) {
      const Spread& spread = figure(variation, metric).spread;
      const std::string cell =
          fmt::format("{} ({})", rounded(spread.mean, false), rounded(spread.sd, false));
      text += fmt::format("{:>{}}", cell, kCell);
    }
  }
  text += '\n';
  return variations_.size() == 1 ? text : text + differences(width);
}

std::string CvResults::differences(std::size_t width) const {
  std::string text = fmt::format(
      "\ndifference from {}, by pairs of the same fold and seed\n{:{}}  {:<16}{:>7}{:>10}{:>10}"
      "{:>8}{:>7}{:>7}\n",
      variations_.front(), "variation", width, "metric", "pairs", "mean", "sd", "t", "above",
      "below");
  for (const std::string& variation : variations_) {
    if (variation == variations_.front()) continue;
    for (const std::string_view metric : shown()) {
      const PairedDifference& d = figure(variation, metric).difference;
      text += fmt::format("{:{}}  {:<16}{:>7}{:>10}{:>10}{:>8}{:>7}{:>7}\n", variation, width,
                          metric, d.difference.count, rounded(d.difference.mean, true),
                          rounded(d.difference.sd, false),
                          std::isnan(d.t) ? "-" : fmt::format("{:.2f}", d.t), d.above, d.below);
    }
  }
  return text;
}

std::string CvResults::csv() const {
  std::string text = "variation,metric,runs,mean,sd,pairs,difference,difference_sd,t,above,below\n";
  for (const CvFigure& figure : figures_) {
    const Spread& s = figure.spread;
    const PairedDifference& d = figure.difference;
    text += fmt::format("{},{},{},{},{},", figure.variation, figure.metric, s.count, exact(s.mean),
                        exact(s.sd));
    if (figure.variation == variations_.front())
      text += ",,,,,\n";
    else
      text += fmt::format("{},{},{},{},{},{}\n", d.difference.count, exact(d.difference.mean),
                          exact(d.difference.sd), exact(d.t), d.above, d.below);
  }
  return text;
}

Json CvResults::json() const {
  Json runs = Json::array();
  for (std::size_t i = 0; i < runs_.size(); ++i)
    runs.push_back({{"variation", runs_[i].variation},
                    {"fold", runs_[i].fold},
                    {"seed", runs_[i].seed},
                    {"run", runs_[i].directory},
                    {"step", finals_[i].step},
                    {"metrics", figures_json(finals_[i].report.metrics)}});
  Json variations = Json::object();
  for (const CvFigure& figure : figures_) {
    Json entry = {
        {"runs", figure.spread.count}, {"mean", figure.spread.mean}, {"sd", figure.spread.sd}};
    const PairedDifference& d = figure.difference;
    if (figure.variation != variations_.front())
      entry["difference"] = {{"from", variations_.front()},
                             {"pairs", d.difference.count},
                             {"mean", d.difference.mean},
                             {"sd", d.difference.sd},
                             {"t", d.t},
                             {"above", d.above},
                             {"below", d.below}};
    variations[figure.variation][figure.metric] = entry;
  }
  return {{"variations", variations}, {"runs", runs}};
}

}  // namespace siren::inline app
