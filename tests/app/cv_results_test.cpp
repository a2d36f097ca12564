// SPDX-License-Identifier: Apache-2.0
#include "app/cv_results.hpp"

#include <limits>

#include <gmock/gmock.h>

namespace siren {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::ordered_json;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

FinalEvent final_event(double ndcg, double auc) {
  FinalEvent event{.step = 3, .report = {}};
  event.report.metrics = {{"R@10", 0.5}, {"nDCG@10", ndcg}, {"Dislike@10", 0.25}, {"AUC", auc}};
  return event;
}

CvResults results() {
  CvGrid grid;
  grid.output = "cv";
  grid.variations = {{"a", {}}, {"b", {}}};
  grid.folds = {1, 2};
  grid.seeds = {1};
  return {grid.runs(),
          {final_event(0.125, 0.5), final_event(0.375, kNan), final_event(0.25, 0.75),
           final_event(0.75, 0.25)}};
}

TEST(CvResults, TableHasMeansAndDifferences) {
  const std::string table = results().table();
  for (const char* part :
       {"of 2 run(s) each", "0.2500 (0.1768)   0.5000 (0.0000)   0.2500 (0.0000)        0.5000 (-)",
        "difference from a", "nDCG@10               2   +0.2500    0.1768    2.00      2      0",
        "AUC                   1   +0.2500         -       -      1      0"})
    EXPECT_THAT(table, HasSubstr(part)) << table;
}

/// An older program's runs have no Dislike share; newer ones do.
TEST(CvResults, TableHasTheMetricsThatTheRunsHave) {
  EXPECT_THAT(results().table(), testing::Not(HasSubstr("Dislike share")));
  FinalEvent event = final_event(0.125, 0.5);
  event.report.metrics.push_back({"Dislike share@10", 0.75});
  CvGrid grid;
  grid.output = "cv";
  grid.variations = {{"a", {}}};
  grid.folds = {1};
  grid.seeds = {1};
  const std::string table = CvResults(grid.runs(), {event}).table();
  EXPECT_THAT(table, HasSubstr("Dislike@10  Dislike share@10               AUC\n"));
  EXPECT_THAT(table, HasSubstr("0.2500 (-)        0.7500 (-)        0.5000 (-)"));
}

TEST(CvResults, CsvHasAllMetricsExactly) {
  const std::string csv = results().csv();
  EXPECT_THAT(csv, HasSubstr("a,R@10,2,0.5,0,,,,,,\n"));
  EXPECT_THAT(csv, HasSubstr("a,AUC,1,0.5,,,,,,,\n"));
  EXPECT_THAT(csv, HasSubstr("b,R@10,2,0.5,0,2,0,0,,0,0\n"));
}

TEST(CvResults, JsonHasEveryRun) {
  const Json json = results().json();
  ASSERT_EQ(json["runs"].size(), 4U);
  EXPECT_EQ(json["runs"][3]["run"], "cv/runs/b-fold2-seed1");
  EXPECT_EQ(json["runs"][3]["metrics"]["nDCG@10"], 0.75);
  EXPECT_EQ(json["variations"]["b"]["nDCG@10"]["difference"]["mean"], 0.25);
  EXPECT_FALSE(json["variations"]["a"]["nDCG@10"].contains("difference"));
}

TEST(CvResults, HeadlineNamesTheUsualMetrics) {
  FinalEvent event = final_event(0.125, kNan);
  event.report.metrics.push_back({"Dislike share@10", 0.75});
  EXPECT_EQ(headline(event.report),
            "nDCG@10 0.1250  R@10 0.5000  Dislike@10 0.2500  Dislike share@10 0.7500  AUC -");
}

}  // namespace
}  // namespace siren
