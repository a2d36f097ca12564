// SPDX-License-Identifier: Apache-2.0
#include "observe/report_page.hpp"

#include <gmock/gmock.h>

#include "observe/metric_section.hpp"
#include "observe/rank_section.hpp"
#include "observe/settings_section.hpp"

namespace siren {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

RunRecord run_named(const std::string& name, double ndcg, double dislike) {
  RunRecord run;
  run.name = name;
  run.settings = {{"model", "siren"}, {"lr", "0.1"}, {"data", "d.h5"}, {"run", name}};
  run.dataset_problem = "gone";
  run.final = RecordedEvaluation{};
  run.final->split = "test";
  run.final->metrics = {{"nDCG@5", 0.1},
                        {"nDCG@10", ndcg},
                        {"Dislike@10", dislike},
                        {"Dislike share@10", 1 - dislike}};
  return run;
}

TEST(MetricComparison, MarksTheBestOfEachColumn) {
  const std::vector<RunRecord> runs{run_named("a", 0.30, 0.06), run_named("b", 0.31, 0.07)};
  const std::string html = metric_comparison(runs);
  EXPECT_THAT(html, HasSubstr("<strong>0.3100</strong>"));
  EXPECT_THAT(html, HasSubstr("<strong>0.0600</strong>"));  // less is better
  EXPECT_THAT(html, Not(HasSubstr("<strong>0.3000</strong>")));
  EXPECT_THAT(html, Not(HasSubstr("<strong>0.0700</strong>")));
  EXPECT_THAT(html, HasSubstr("<strong>0.9300</strong>"));  // likewise the share
  EXPECT_THAT(html, Not(HasSubstr("<strong>0.9400</strong>")));
}

TEST(MetricComparison, ComparesOnlyWhatWasEvaluatedByTheSameRatings) {
  std::vector<RunRecord> runs{run_named("a", 0.30, 0.06), run_named("b", 0.31, 0.07)};
  runs[1].final->split = "valid";
  EXPECT_THAT(metric_comparison(runs), Not(HasSubstr("<strong>")));
}

TEST(HeadlineMetrics, TakeTheCutoffTen) {
  EXPECT_THAT(headline_metrics({{"P@5", 0}, {"P@10", 0}, {"P@20", 0}, {"R@3", 0}, {"AUC", 0}}),
              ElementsAre("P@10", "R@3", "AUC"));
}

TEST(DifferingSettings, AreNamedButForTheRunsThemselves) {
  std::vector<RunRecord> runs{run_named("a", 0.3, 0.06), run_named("b", 0.3, 0.06)};
  EXPECT_THAT(differing_settings(runs), ElementsAre());
  runs[1].settings.add("lr", "0.2");
  runs[1].settings.add("fold", "2");
  EXPECT_THAT(differing_settings(runs), ElementsAre("lr", "fold"));
}

TEST(ReportPage, EscapesWhatPeopleNamed) {
  const std::string bad = "<script>alert(1)</script>";
  std::vector<RunRecord> runs{run_named(bad, 0.3, 0.06), run_named("b", 0.3, 0.06)};
  runs[0].settings.add("data", bad);
  runs[0].dataset_problem = bad;
  runs[0].memory.bytes_per_rank = {{bad, 1}};
  for (const std::size_t count : {1U, 2U}) {
    const std::string html = report_page(std::span(runs).first(count), {});
    EXPECT_THAT(html, Not(HasSubstr("<script")));
    EXPECT_THAT(html, HasSubstr("&lt;script&gt;"));
  }
}

TEST(ReportPage, SaysWhenARunIsNotFinished) {
  RunRecord run = run_named("a", 0.3, 0.06);
  EXPECT_THAT(report_page({&run, 1}, {}), Not(HasSubstr("Not finished")));
  run.final.reset();
  EXPECT_THAT(report_page({&run, 1}, {}), HasSubstr("still going on, or it was killed"));
  run.stopped = "stopped behind step 3 of 9 by SIGTERM";
  EXPECT_THAT(report_page({&run, 1}, {}), HasSubstr("behind step 3 of 9 by SIGTERM"));
}

TEST(ReportPage, WarnsOfRunsOnDifferentData) {
  std::vector<RunRecord> runs{run_named("a", 0.3, 0.06), run_named("b", 0.3, 0.06)};
  EXPECT_THAT(report_page(runs, {}), Not(HasSubstr("may not be comparable")));
  runs[1].settings.add("data", "other.h5");
  EXPECT_THAT(report_page(runs, {}), HasSubstr("differ in data"));
}

TEST(SettingsSection, MarksWhatIsNotTheDefault) {
  const RunRecord run = run_named("a", 0.3, 0.06);
  const std::string html = settings_section(run, {{"model", "siren"}, {"lr", "0.005"}});
  EXPECT_THAT(html, HasSubstr("<dd>siren</dd>"));
  EXPECT_THAT(html, HasSubstr("<dd><strong>0.1</strong></dd>"));
}

}  // namespace
}  // namespace siren
