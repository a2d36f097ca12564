// SPDX-License-Identifier: Apache-2.0
// The results of `siren cv` as a table, CSV and JSON (formats: data/README.md).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "app/cv_grid.hpp"
#include "events/events.hpp"
#include "ranking/comparison.hpp"

namespace siren::inline app {

/// One metric of one variation.
struct CvFigure {
  std::string variation;
  std::string metric;
  Spread spread;                // over folds and seeds
  PairedDifference difference;  // from the first variation; of the first itself: no pairs
};

class CvResults {
 public:
  /// `finals[i]` is the event of the final evaluation of `runs[i]`; runs are grouped by variation,
  /// in the same order of folds and seeds in each.
  CvResults(std::vector<CvRun> runs, std::vector<FinalEvent> finals);

  /// Variation by variation, in the order of the metrics.
  const std::vector<CvFigure>& figures() const { return figures_; }

  std::string table() const;
  std::string csv() const;
  nlohmann::ordered_json json() const;

 private:
  const CvFigure& figure(const std::string& variation, std::string_view metric) const;
  /// The metrics of tables: those that the runs have, which an older program may have made.
  std::vector<std::string_view> shown() const;
  std::string differences(std::size_t width) const;
  std::vector<double> values(std::size_t variation, const std::string& metric) const;

  std::vector<CvRun> runs_;
  std::vector<FinalEvent> finals_;
  std::vector<std::string> variations_;
  std::vector<CvFigure> figures_;
};

/// "nDCG@10 0.2871  R@10 ...": the metrics that tables show, of one run.
std::string headline(const EvaluationReport& report);

}  // namespace siren::inline app
