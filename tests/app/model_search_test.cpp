// SPDX-License-Identifier: Apache-2.0
#include "app/model_search.hpp"

#include <gmock/gmock.h>

#include "app/best_search.hpp"
#include "app/run_options.hpp"
#include "app/tune_search.hpp"
#include "events/events.hpp"
#include "support/temp_folder.hpp"
#include "train/run_directory.hpp"

namespace siren {
namespace {

using test::TempFolder;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

EpochReport epoch(std::int32_t number, std::int64_t step) {
  EpochReport report;
  report.epoch = number;
  report.step = step;
  report.seconds = 0.5;
  return report;
}

EvalEvent evaluation(std::int32_t epoch, double ndcg, const char* split = "valid") {
  EvaluationReport report;
  report.split = split;
  report.metrics = {{"nDCG@10", ndcg}};
  return {epoch, report};
}

LambdaEvent choice_of(std::vector<FrontierPoint> frontier, double lambda) {
  LambdaEvent choice;
  choice.rule = "near-best";
  choice.split = "valid";
  choice.lambda = lambda;
  choice.frontier = std::move(frontier);
  return choice;
}

class CandidateTest : public ::testing::Test {
 protected:
  void write(const std::vector<Event>& events) {
    RunDirectory(run_).make();
    EventLog log(RunDirectory(run_).metrics_path());
    for (const Event& event : events) log.write(event);
  }
  TempFolder folder_;
  std::string run_ = folder_.path("run");
};

TEST_F(CandidateTest, IsNothingBeforeItHasBegun) {
  const CandidateRecord record = read_candidate(run_);
  EXPECT_EQ(record.epochs, 0);
  EXPECT_EQ(record.step, 0);
}

TEST_F(CandidateTest, ScoresByTheBestOfItsFrontier) {
  write({epoch(1, 10), evaluation(1, 0.2), epoch(2, 20), evaluation(2, 0.3), epoch(3, 30),
         evaluation(3, 0.25), choice_of({{0, 0.31, 0.1, 0.6}, {1, 0.33, 0.05, 0.7}}, 1.0),
         FinalEvent{20, {}}});
  const CandidateRecord record = read_candidate(run_);
  EXPECT_EQ(record.epochs, 3);
  EXPECT_EQ(record.best_epoch, 2);
  EXPECT_EQ(record.step, 20);
  EXPECT_EQ(record.since_best, 1);
  EXPECT_EQ(record.ndcg, 0.33);
  EXPECT_THAT(record.seconds, ElementsAre(0.5, 0.5, 0.5));
}

TEST_F(CandidateTest, WithoutPolarityScoresByItsBestEvaluation) {
  LambdaEvent none;
  none.rule = "no-polarity";
  none.split = "none";
  write({epoch(1, 10), evaluation(1, 0.2), evaluation(1, 0.9, "test"), none, FinalEvent{10, {}}});
  EXPECT_EQ(read_candidate(run_).ndcg, 0.2);
}

TEST_F(CandidateTest, ThatGoesOnHasNotEnded) {
  write({epoch(1, 10), evaluation(1, 0.2), FinalEvent{10, {}}, epoch(2, 20)});
  EXPECT_EQ(read_candidate(run_).step, 0);
  EXPECT_EQ(read_candidate(run_).epochs, 2);
}

TEST_F(CandidateTest, IsKeptAsItWas) {
  write({epoch(1, 10), evaluation(1, 0.2), choice_of({{0, 0.31, 0.1, 0.6}}, 1.0),
         FinalEvent{10, {}}});
  CandidateRecord record = read_candidate(run_);
  record.begun = 1;
  const CandidateRecord kept = record_from_json(to_json(record));
  EXPECT_EQ(to_json(kept), to_json(record));
  EXPECT_EQ(kept.choice, record.choice);
  EXPECT_EQ(kept.step, 10);
}

TEST(MergedOptions, TakeTheOwnOfTwo) {
  EXPECT_THAT(merged_options({"--lr=0.1", "--lr-steps=5", "--dim=8"}, {"--dim=16", "--lr=0.2"}),
              ElementsAre("--lr-steps=5", "--dim=16", "--lr=0.2"));
}

TEST(PassedOn, MakesPathsOfInputsWhole) {
  EXPECT_EQ(passed_on("data", "/a/../d.h5"), "/d.h5");
  EXPECT_THAT(passed_on("init-from", "c.h5"), ::testing::EndsWith("/c.h5"));
  EXPECT_EQ(passed_on("reg", "0.1"), "0.1");
  EXPECT_EQ(name_of_option("--reg=0.1=2"), "reg");
}

TEST(Ranked, IsByScoreAndOfEqualsTheEarlier) {
  std::vector<CandidateRecord> records(5);
  const double scores[] = {0.1, 0.3, 0.2, 0.3, 0.9};
  for (std::size_t i = 0; i < records.size(); ++i) {
    records[i].ndcg = scores[i];
    records[i].step = i == 4 ? 0 : 10;  // the last came to no end
  }
  const std::vector<std::size_t> all = {0, 1, 2, 3, 4};
  EXPECT_THAT(ranked(all, records), ElementsAre(1, 3, 2, 0, 4));
  EXPECT_THAT(ranked(std::vector<std::size_t>{0, 2}, records), ElementsAre(2, 0));
}

TEST(FormatSearch, NamesTheChosenFirst) {
  SearchPlan plan;
  plan.candidates = {{"a", {"--reg=1"}}, {"b", {"--reg=2"}}};
  SearchResult result;
  result.records.resize(2);
  result.records[1].ndcg = 0.25;
  result.records[1].choice = choice_of({{1.5, 0.24, 0.05, 0.7}}, 1.5);
  result.order = {1, 0};
  const std::string table = format_search(plan, result);
  EXPECT_LT(table.find("\nb "), table.find("\na "));
  EXPECT_THAT(table, HasSubstr("0.2500     1.5      0.0500  0.7000  chosen\n"));
  EXPECT_THAT(search_csv(plan, result), HasSubstr("b,--reg=2,0,0,0.25,1.5,0.05,0.7\na,--reg=1,"));
  EXPECT_THAT(search_json(plan, result), StartsWith("{\n \"chosen\": \"b\""));
}

/// Options of `siren train` as given.
class GivenOptions {
 public:
  explicit GivenOptions(const std::vector<std::string>& args) {
    declare_run_options(parser, config);
    parser.parse(args);
  }
  RunConfig config;
  OptionParser parser{"train", "", ""};
};

constexpr SearchedData kPlain{1200, true, false};

TEST(BestCandidates, ArePairsTimesRegs) {
  const GivenOptions given({});
  const std::vector<Candidate> all = best_candidates(given.parser, kPlain);
  EXPECT_THAT(all, SizeIs(40));
  EXPECT_EQ(all[2].name, "layers1-kappa0.5-eta0.4-reg0.02");
  EXPECT_THAT(all[2].options, ElementsAre("--layers=1", "--dislike-edge-weight=0.5",
                                          "--dislike-weight=0.4", "--reg=0.02"));
}

TEST(BestCandidates, LeaveOutWhatIsGiven) {
  const GivenOptions kappa({"--dislike-edge-weight=1"});
  EXPECT_THAT(best_candidates(kappa.parser, kPlain), SizeIs(30));  // eta 0, .4, 1
  const GivenOptions all(
      {"--dislike-edge-weight=1", "--dislike-weight=0", "--reg=0.1", "--layers=3"});
  const std::vector<Candidate> one = best_candidates(all.parser, kPlain);
  ASSERT_THAT(one, SizeIs(1));
  EXPECT_EQ(one[0].name, "as-given");
  EXPECT_TRUE(one[0].options.empty());
}

TEST(BestCandidates, WithoutDislikesDifferInRegAndLayers) {
  const GivenOptions given({});
  EXPECT_THAT(best_candidates(given.parser, {1200, false, true}), SizeIs(10));
}

TEST(CommonOptions, AreTheRecipeUnderWhatIsGiven) {
  const GivenOptions given(
      {"--data=/d.h5", "--dim=8", "--max-steps=3", "--preset=best", "--seed=7"});
  const std::vector<std::string> options = common_options(given.parser, kPlain);
  for (const char* option : {"--data=/d.h5", "--dim=8", "--seed=7", "--model=factored",
                             "--batch-users=100", "--hold-out=0.1", "--keep=1"})
    EXPECT_THAT(options, Contains(option));
  EXPECT_THAT(options, Contains(StartsWith("--patience=")));
  for (const char* name : {"--max-steps", "--preset", "--dim=1"})
    EXPECT_THAT(options, Each(Not(StartsWith(name))));
  EXPECT_THAT(common_options(given.parser, {1200, true, true}),
              Each(Not(StartsWith("--hold-out"))));
  const GivenOptions epochs({"--epochs=5"});
  EXPECT_THAT(common_options(epochs.parser, kPlain), Each(Not(StartsWith("--patience"))));
  EXPECT_EQ(patience_of(epochs.parser, epochs.config), 0);
}

TEST(Halving, KeepsAThirdThatGoesThreeTimesAsFar) {
  const std::vector<Rung> rungs = halving(20, 6, 60);
  ASSERT_THAT(rungs, SizeIs(4));
  EXPECT_EQ(rungs[0].epochs, 6);
  EXPECT_EQ(rungs[0].keep, 7U);
  EXPECT_EQ(rungs[1].epochs, 18);
  EXPECT_EQ(rungs[1].keep, 3U);
  EXPECT_EQ(rungs[2].epochs, 54);
  EXPECT_EQ(rungs[2].keep, 1U);
  EXPECT_EQ(rungs[3].epochs, 60);
  EXPECT_EQ(rungs[3].keep, 1U);
  ASSERT_THAT(halving(1, 6, 60), SizeIs(1));
  EXPECT_EQ(halving(1, 6, 60)[0].epochs, 60);
}

TEST(Affordable, GrowsWithTheBudgetAndIsNeverNothing) {
  std::vector<Candidate> candidates(50);
  EXPECT_EQ(affordable(candidates, 10.0, 0.1, 1, 60), 1U);
  // Each costs 10 s a rung; up to three candidates need 2 rungs, up to nine 3.
  EXPECT_EQ(affordable(candidates, 10.0, 60.0, 1, 60), 3U);
  EXPECT_EQ(affordable(candidates, 10.0, 60.0, 2, 60), 4U);
  EXPECT_EQ(affordable(candidates, 1e-6, 60.0, 1, 60), 50U);
  candidates[1].options = {"--dim=512"};  // four times the columns of the recipe
  EXPECT_EQ(affordable(candidates, 10.0, 60.0, 1, 60), 1U);
}

TEST(TuneCandidates, BeginWithThePresetsAndAreAllDifferent) {
  const GivenOptions given({});
  const std::vector<Candidate> all = tune_candidates(given.parser, kPlain);
  EXPECT_EQ(all[0].name, best_candidates(given.parser, kPlain)[0].name);
  EXPECT_THAT(all, SizeIs(40 + 4 * 3 * 3 * 4 * 5 * 3 - 18));  // 18 of the grid are the preset's
  std::vector<std::string> names;
  for (const Candidate& candidate : all) names.push_back(candidate.name);
  std::ranges::sort(names);
  EXPECT_EQ(std::ranges::adjacent_find(names), names.end());
}

}  // namespace
}  // namespace siren
