// SPDX-License-Identifier: Apache-2.0
#include "observe/run_record.hpp"

#include <cmath>
#include <sstream>

#include <gmock/gmock.h>

#include "siren/error.hpp"

namespace siren {
namespace {

using ::testing::HasSubstr;

constexpr const char* kMemory =
    R"({"event":"memory","ranks":2,"bytes_per_rank":{"edges":10},"rows_sent_per_layer":7,"steps_per_epoch":5,"by_rank":{"users":[3,4],"items":[1,2],"ratings":[5,6],"edges":[7,8],"halo_rows":[0,0]}})"
    "\n";

std::string epoch(int step, double loss) {
  return R"({"event":"epoch","epoch":)" + std::to_string((step + 4) / 5) + R"(,"step":)" +
         std::to_string(step) + R"(,"loss":)" + std::to_string(loss) +
         R"(,"reg":0.5,"seconds":2,"ratings":100,"phases":{"wait":{"min":1,"mean":2,"max":3,"bytes":4}}})"
         "\n";
}

std::string evaluated(const std::string& head) {
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
  constexpr const char* kUnevaluated =
      R"({"event":"final","step":10,"split":"none","users":0,"metrics":{},"groups":{},"exposure":{},"seconds":0})"
      "\n";
  const RunRecord run =
      parsed(kMemory + epoch(5, 3.0) + evaluated(R"("event":"eval","epoch":1)") + kUnevaluated);
  EXPECT_TRUE(run.final.has_value());
  EXPECT_FALSE(run.evaluated_at_end());
  ASSERT_NE(run.shown_evaluation(), nullptr);
  EXPECT_EQ(run.shown_evaluation()->metric_or_nan("nDCG@10"), 0.25);
  EXPECT_EQ(parsed(kMemory + epoch(5, 3.0) + kUnevaluated).shown_evaluation(), nullptr);
}

TEST(ReadMetrics, TakesWhatAReportShows) {
  const RunRecord run = parsed(kMemory + epoch(5, 3.0) + evaluated(R"("event":"eval","epoch":1)") +
                               epoch(10, 2.0) + evaluated(R"("event":"final","step":10)"));
  EXPECT_EQ(run.memory.ranks, 2);
  EXPECT_EQ(run.memory.by_rank[1].users, 4);
  ASSERT_EQ(run.epochs.size(), 2U);
  EXPECT_EQ(run.epochs[1].at, 2.0);
  EXPECT_EQ(run.epochs[1].phases.front().max_seconds, 3.0);
  EXPECT_EQ(run.seconds(), 4.0);
  EXPECT_EQ(run.evaluations.front().at, 1.0);
  EXPECT_EQ(run.shown_evaluation()->metric_or_nan("nDCG@10"), 0.25);
  EXPECT_EQ(run.shown_evaluation()->at, 2.0);
  EXPECT_TRUE(std::isnan(run.shown_evaluation()->metric_or_nan("AUC")));
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

TEST(ReadMetrics, ForgetsTheRanksOfAnEarlierStart) {
  constexpr const char* kRanks =
      R"({"event":"ranks","ranks":1,"steps":5,"hosts":["h<1>"],"busy":[3],"bytes":[5],"bytes_between_nodes":[0],"phases":{"loss":{"seconds":[3]}}})"
      "\n";
  const RunRecord run = parsed(std::string(kMemory) + kRanks);
  EXPECT_EQ(run.ranks.value().hosts.front(), "h<1>");
  EXPECT_EQ(run.ranks->phases.front().seconds.front(), 3.0);
  EXPECT_FALSE(parsed(std::string(kMemory) + kRanks + kMemory).ranks.has_value());
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
}

}  // namespace
}  // namespace siren
