// SPDX-License-Identifier: Apache-2.0
#include "observe/report_page.hpp"

#include <gmock/gmock.h>

#include "observe/frontier_section.hpp"
#include "observe/metric_section.hpp"
#include "observe/rank_section.hpp"
#include "observe/search_section.hpp"
#include "observe/settings_section.hpp"
#include "siren/error.hpp"

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

// As app/model_search writes them.
constexpr const char* kResults = R"({"chosen": "b", "candidates": [
  {"candidate": "b", "options": ["--reg=0.1"], "epochs": 34, "best_epoch": 26, "nDCG@10": 0.1842, "seconds": 32.5,
   "choice": {"event": "lambda", "step": 312, "rule": "max-ndcg", "split": "valid", "lambda": 1.2, "frontier": [
     {"lambda": 0.0, "nDCG@10": 0.17, "Dislike@10": 0.03, "AUC": 0.6},
     {"lambda": 1.2, "nDCG@10": 0.18, "Dislike@10": 0.0211, "AUC": 0.7333}]}},
  {"candidate": "a", "options": [], "epochs": 8, "best_epoch": 8, "nDCG@10": 0.15, "seconds": 5}]})";

TEST(SearchSection, ListsTheCandidatesAndMarksTheChosen) {
  RunRecord run = run_named("r", 0.3, 0.06);
  EXPECT_EQ(search_section(run), "");
  run.candidates = read_candidates(kResults, "results.json");
  ASSERT_EQ(run.candidates.size(), 2U);
  EXPECT_FALSE(run.candidates[1].point);
  const std::string html = search_section(run);
  for (const char* text : {"<strong>b</strong>", "0.1842", "0.0211", "0.7333", "1.2", "32.5"})
    EXPECT_THAT(html, HasSubstr(text));
  EXPECT_THAT(html, Not(HasSubstr("<strong>a</strong>")));
  EXPECT_THAT(html, Not(HasSubstr("0.0300"))) << "not at its lambda";
  EXPECT_THAT(report_page({&run, 1}, {}), HasSubstr("0.0211"));
}

TEST(SearchSection, SaysWhichFileIsDamaged) {
  for (const char* text :
       {"", "[]", R"({"chosen": "b"})", R"({"chosen": "b", "candidates": [{}]})",
        R"({"chosen": 1, "candidates": []})",
        R"({"chosen": "b", "candidates": [{"candidate": "b", "epochs": 1e300}]})"})
    EXPECT_THROW(read_candidates(text, "stages/results.json"), InputError) << text;
  const std::string deep = std::string(1 << 20, '[');  // a copy of it would call itself so often
  EXPECT_THROW(read_candidates(deep, "stages/results.json"), InputError);
}

TEST(FrontierSection, DrawsOtherModelsBesideLambda) {
  RunRecord run = run_named("r", 0.3, 0.06);
  run.lambda = LambdaEvent{.step = 1,
                           .rule = "max-ndcg",
                           .split = "valid",
                           .lambda = 1.0,
                           .frontier = {{0.0, 0.35, 0.07, 0.6}, {1.0, 0.36, 0.05, 0.7}}};
  const std::string alone = frontier_section(run);
  EXPECT_THAT(alone, Not(HasSubstr("legend")));
  const std::vector<OtherModel> others = parse_other_models(
      "name,nDCG@10,Dislike@10\nEASE, <half>,0.3211,.0621\r\n\nALS, 0.3, 0\n", "f");
  ASSERT_EQ(others.size(), 2U);
  EXPECT_EQ(others[0].name, "EASE, <half>");
  const std::string html = frontier_section(run, others);
  for (const char* text : {"EASE, &lt;half&gt;", "0.3211", "0.0621", "ALS", "legend", "s2", "s3"})
    EXPECT_THAT(html, HasSubstr(text));
  EXPECT_THAT(report_page({&run, 1}, {}, others), HasSubstr("0.3211"));
}

TEST(FrontierSection, RefusesWhatIsNoListOfModels) {
  for (const char* text :
       {"", "name,nDCG@10,Dislike@10\n", "a,0.5\n", ",0.5,0.5\n", "a,0.5,1.5\n", "a,nan,0.5\n",
        "a,0.5,0.5x\n", "a,-0.1,0.5\n", "a,0,0\nb,0,0\nc,0,0\nd,0,0\ne,0,0\nf,0,0\ng,0,0\n"})
    EXPECT_THROW(parse_other_models(text, "others.csv"), InputError) << text;
  try {
    parse_other_models("a,0,0\nb,0\n", "others.csv");
    FAIL();
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(), HasSubstr("others.csv:2: "));
  }
}

TEST(CurveSection, DrawsNoCurveOfAFinalFigureAlone) {
  RunRecord run = run_named("r", 0.3, 0.06);
  EXPECT_THAT(report_page({&run, 1}, {}), Not(HasSubstr("nDCG@10 by epoch")));
  run.evaluations.push_back(*run.final);
  EXPECT_THAT(report_page({&run, 1}, {}), HasSubstr("nDCG@10 by epoch"));
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
