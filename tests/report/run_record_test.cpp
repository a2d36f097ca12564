// SPDX-License-Identifier: Apache-2.0
#include "siren/report/run_record.hpp"

#include <cmath>
#include <sstream>

#include <gmock/gmock.h>

#include "siren/core/error.hpp"

namespace siren {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr const char* kMemory =
    R"({"event":"memory","ranks":2,"bytes_per_rank":{"edges":10},"rows_sent_per_layer":7,"steps_per_epoch":5,"by_rank":{"users":[3,4]}})"
    "\n";

std::string epoch(int step, double loss) {
  return R"({"event":"epoch","epoch":)" + std::to_string((step + 4) / 5) + R"(,"step":)" +
         std::to_string(step) + R"(,"loss":)" + std::to_string(loss) +
         R"(,"reg":0.5,"seconds":2,"ratings":100,"phases":{"wait":{"min":1,"mean":2,"max":3,"bytes":4}}})"
         "\n";
}

std::string judged(const std::string& head) {
  return "{" + head +
         R"(,"split":"test","users":9,"seconds":1,"metrics":{"nDCG@10":0.25,"AUC":null},"groups":{"<20":{"users":9,"metrics":{"AUC":0.5}}},"exposure":{}})"
         "\n";
}

RunRecord parsed(const std::string& text) {
  RunRecord run;
  std::istringstream lines(text);
  read_metrics(lines, "m.jsonl", run);
  return run;
}

std::string message(const std::string& text) {
  try {
    parsed(text);
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

TEST(ReadMetrics, ShowsTheLastEvaluationIfNothingWasTested) {
  constexpr const char* kUnjudged =
      R"({"event":"final","step":10,"split":"none","users":0,"metrics":{},"groups":{},"exposure":{},"seconds":0})"
      "\n";
  const RunRecord run =
      parsed(kMemory + epoch(5, 3.0) + judged(R"("event":"eval","epoch":1)") + kUnjudged);
  EXPECT_TRUE(run.final.has_value());
  EXPECT_FALSE(run.judged_at_end());
  ASSERT_NE(run.shown_evaluation(), nullptr);
  EXPECT_EQ(run.shown_evaluation()->metric("nDCG@10"), 0.25);
  EXPECT_EQ(parsed(kMemory + epoch(5, 3.0) + kUnjudged).shown_evaluation(), nullptr);
}

TEST(ReadMetrics, TakesWhatAReportShows) {
  const RunRecord run = parsed(kMemory + epoch(5, 3.0) + judged(R"("event":"eval","epoch":1)") +
                               epoch(10, 2.0) + judged(R"("event":"final","step":10)"));
  EXPECT_EQ(run.ranks, 2);
  EXPECT_THAT(run.shares.front().values, ElementsAre(3.0, 4.0));
  ASSERT_EQ(run.epochs.size(), 2U);
  EXPECT_EQ(run.epochs[1].at, 2.0);
  EXPECT_EQ(run.epochs[1].phases.front().max, 3.0);
  EXPECT_EQ(run.seconds(), 4.0);
  EXPECT_EQ(run.evaluations.front().at, 1.0);
  EXPECT_EQ(run.shown_evaluation()->metric("nDCG@10"), 0.25);
  EXPECT_EQ(run.shown_evaluation()->at, 2.0);
  EXPECT_TRUE(std::isnan(run.shown_evaluation()->metric("AUC")));
  EXPECT_FALSE(run.cut_short);
}

TEST(ReadMetrics, ReplacesThePartOfAnEpochByTheWhole) {
  const RunRecord run = parsed(kMemory + epoch(5, 3.0) + epoch(7, 9.0) + epoch(10, 2.0));
  ASSERT_EQ(run.epochs.size(), 2U);
  EXPECT_EQ(run.epochs[1].loss, 2.0);
}

TEST(ReadMetrics, KnowsARunThatWasStoppedAndContinued) {
  const std::string stopped = R"({"event":"interrupted","step":5,"reason":"by SIGTERM"})"
                              "\n";
  EXPECT_EQ(parsed(kMemory + epoch(5, 3.0) + stopped).stopped, "by SIGTERM");
  const RunRecord run =
      parsed(kMemory + epoch(5, 3.0) + stopped + R"({"event":"resume","step":5,"ranks":2})" + "\n");
  EXPECT_EQ(run.stopped, "");
  EXPECT_EQ(run.resumes, 1);
}

TEST(ReadMetrics, TakesTheSecondsOfEachRank) {
  const RunRecord run = parsed(
      std::string(kMemory) +
      R"({"event":"ranks","ranks":2,"bytes":[5,6],"wait_share":0.25,"slowest":{"rank":1,"host":"h<1>","busy":2,"of_mean":1.5},"phases":{"loss":{"seconds":[1,2]}}})"
      "\n");
  EXPECT_EQ(run.seconds_by_phase.front().name, "loss");
  EXPECT_THAT(run.seconds_by_phase.front().values, ElementsAre(1.0, 2.0));
  EXPECT_THAT(run.bytes_sent, ElementsAre(5.0, 6.0));
  EXPECT_THAT(run.slowest, HasSubstr("rank 1 on h<1>: 1.50 times"));
}

TEST(ReadMetrics, LeavesOutALastLineWithoutItsEnd) {
  const std::string half = kMemory + epoch(5, 3.0) + R"({"event":"epo)";
  EXPECT_TRUE(parsed(half).cut_short);
  EXPECT_EQ(parsed(half).epochs.size(), 1U);
}

TEST(ReadMetrics, NamesTheLineThatIsDamaged) {
  EXPECT_THAT(message(kMemory + std::string("{\"event\":\n") + epoch(5, 3.0)),
              HasSubstr("m.jsonl:2: not a JSON object"));
  EXPECT_THAT(message(R"({"event":"epoch","epoch":1})"
                      "\n"),
              HasSubstr("m.jsonl:1: not an event"));
  EXPECT_THAT(message("[1]\n"), HasSubstr("m.jsonl:1: not an event"));
  EXPECT_THAT(
      message(
          std::string(kMemory) +
          R"({"event":"memory","ranks":3,"bytes_per_rank":{},"rows_sent_per_layer":0,"by_rank":{"users":[1]}})"
          "\n"),
      HasSubstr("1 values for 3 ranks"));
}

TEST(ReadMetrics, RefusesFiguresThatNoChartCouldHold) {
  EXPECT_THAT(
      message(
          R"({"event":"memory","ranks":1,"bytes_per_rank":{},"rows_sent_per_layer":0,"by_rank":{"users":[1e308]}})"
          "\n"),
      HasSubstr("m.jsonl:1: not an event of siren train (1e+308 is no figure"));
}

}  // namespace
}  // namespace siren
