// SPDX-License-Identifier: Apache-2.0
#include "siren/evaluation.hpp"

#include <limits>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "siren/error.hpp"

namespace siren {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

EvaluationReport example() {
  EvaluationReport report;
  report.split = "test";
  report.users = 5980;
  report.disliking_users = 5000;
  report.auc_users = 4900;
  report.cutoffs = {5, 10};
  double value = 0.01;
  for (const std::string& name : metric_names(report.cutoffs))
    report.metrics.push_back({name, value += 0.01});
  report.groups = {
      {"<20", 0, report.metrics}, {"20-49", 2980, report.metrics}, {">=50", 3000, report.metrics}};
  for (Figure& figure : report.groups[0].metrics)
    figure.value = std::numeric_limits<double>::quiet_NaN();
  report.exposure = {
      {"coverage@5", 0.5}, {"coverage@10", 0.6}, {"popularity@5", 4.0}, {"popularity@10", 3.0}};
  report.candidates = 3706;
  report.also_in_train = 7;
  report.mask = "train+valid";
  report.also_in_valid = 3;
  report.overlap = "keep";
  report.ties = {6000, 7, 5};
  report.seconds = 0.125;
  return report;
}

TEST(MetricNames, GoByMetricThenCutoff) {
  const std::vector<int> cutoffs = {5, 10};
  EXPECT_THAT(metric_names(cutoffs),
              ElementsAre("P@5", "P@10", "R@5", "R@10", "nDCG@5", "nDCG@10", "HR@5", "HR@10",
                          "MRR@5", "MRR@10", "MAP@5", "MAP@10", "Dislike@5", "Dislike@10",
                          "Dislike share@5", "Dislike share@10", "AUC"));
}

TEST(EvaluationReport, FindsAMetricByName) {
  EXPECT_DOUBLE_EQ(example().metric("P@5"), 0.02);
  try {
    example().metric("nDCG@7");
    FAIL() << "an unknown name was found";
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(), HasSubstr("nDCG@7"));
    EXPECT_THAT(error.what(), HasSubstr("nDCG@10"));
  }
}

TEST(EvaluationReport, AsJson) {
  const nlohmann::ordered_json json = nlohmann::ordered_json::parse(to_json(example()).dump());
  std::vector<std::string> keys;
  for (const auto& [key, value] : json.items()) keys.push_back(key);
  EXPECT_THAT(keys, ElementsAre("split", "users", "metrics", "groups", "exposure",
                                "disliking_users", "auc_users", "candidates", "also_in_train",
                                "mask", "also_in_valid", "overlap", "ties", "seconds"));
  EXPECT_EQ(json["split"], "test");
  EXPECT_EQ(json["users"], 5980);
  EXPECT_EQ(json["seconds"], 0.125);
  EXPECT_EQ(json["also_in_train"], 7);
  EXPECT_EQ(json["mask"], "train+valid");
  EXPECT_EQ(json["also_in_valid"], 3);
  EXPECT_EQ(json["overlap"], "keep");
  EXPECT_EQ(evaluation_from_json(json).overlap, "keep");
  EXPECT_EQ(json["ties"].dump(), R"({"lists":6000,"tied":7,"at_cutoff":5})");
  std::vector<std::string> names;
  for (const auto& [name, value] : json["metrics"].items()) names.push_back(name);
  EXPECT_EQ(names, metric_names(example().cutoffs));
  EXPECT_EQ(json["metrics"]["R@10"], example().metric("R@10"));
  EXPECT_EQ(json["groups"]["20-49"]["users"], 2980);
  EXPECT_EQ(json["groups"]["20-49"]["metrics"]["AUC"], example().metric("AUC"));
  EXPECT_TRUE(json["groups"]["<20"]["metrics"]["AUC"].is_null());
  EXPECT_EQ(json["exposure"]["coverage@10"], 0.6);
}

TEST(EvaluationReport, ForPeople) {
  const std::string text = format_report(example());
  EXPECT_THAT(text, HasSubstr("test: 5,980 users, 3,706 candidate items, train+valid masked, "));
  EXPECT_THAT(text, HasSubstr("7 held-out pairs are also in train and can be in no list"));
  EXPECT_THAT(text, HasSubstr("3 held-out pairs are also in validation and can be in no list"));
  EXPECT_THAT(text, HasSubstr("\n7 of 6,000 lists hold equal scores"));
  EXPECT_THAT(text, HasSubstr("\nnDCG             0.0600   0.0700\n"));
  EXPECT_THAT(text, HasSubstr("\ncoverage         0.5000   0.6000\n"));
  EXPECT_THAT(text, HasSubstr("\n<20                 0        -"));
  EXPECT_THAT(text, HasSubstr("\nDislike share    0.1600   0.1700\n"));
  EXPECT_THAT(text, HasSubstr(" Dislike@10  Dislike share@10"));
}

TEST(EvaluationReport, SaysWhatBecameOfPairsThatAreMasked) {
  EvaluationReport report = example();
  report.overlap = "drop";
  const std::string text = format_report(report);
  EXPECT_THAT(text, HasSubstr("7 held-out pairs are also in train and were left out\n"));
  EXPECT_THAT(text, HasSubstr("3 held-out pairs are also in validation and were left out\n"));
}

TEST(EvaluationReport, SpeaksOfTiesBeyondOneListInAThousand) {
  EvaluationReport report = example();
  report.ties = {6000, 6, 6};
  EXPECT_THAT(format_report(report), Not(HasSubstr("equal scores")));
  report.ties = {5999, 6, 6};
  EXPECT_THAT(format_report(report), HasSubstr("6 of 5,999 lists"));
}

}  // namespace
}  // namespace siren
