// SPDX-License-Identifier: Apache-2.0
#include "siren/train/rank_report.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace siren {
namespace {

using testing::Contains;
using testing::HasSubstr;

void set(PhaseCounts& counts, Phase phase, double seconds, const SentBytes& sent = {}) {
  counts.seconds[static_cast<std::size_t>(phase)] = seconds;
  counts.sent[static_cast<std::size_t>(phase)] = sent;
}

/// Rank 1 works twice as long as the others, which wait for it. It also judged and saved for long,
/// which nobody waited for.
PhaseCounts counts_of(int rank) {
  PhaseCounts counts;
  set(counts, Phase::kProduct, rank == 1 ? 3.0 : 1.0);
  set(counts, Phase::kDense, 1.0);
  set(counts, Phase::kExpand, 0.0, {100 * rank, 40 * rank});
  set(counts, Phase::kFold, 0.0, {1, 0});
  set(counts, Phase::kWait, rank == 1 ? 0.0 : 2.0);
  set(counts, Phase::kEvaluate, rank == 0 ? 50.0 : 0.0);
  set(counts, Phase::kOther, rank == 0 ? 50.0 : 0.0);
  return counts;
}

RankReport example() {
  return {7, {"n1", "n2", "n2"}, {counts_of(0), counts_of(1), counts_of(2)}};
}

TEST(RankReport, NamesTheRankForWhichTheOthersWaited) {
  const RankReport report = example();
  EXPECT_EQ(report.slowest(), 1);
  EXPECT_DOUBLE_EQ(report.busy_seconds(0), 2.0);
  EXPECT_DOUBLE_EQ(report.busy_seconds(1), 4.0);
  EXPECT_DOUBLE_EQ(report.imbalance(), 1.5);
  EXPECT_DOUBLE_EQ(report.wait_share(), 4.0 / 12.0);
  EXPECT_EQ(report.sent().all, 303);
  EXPECT_EQ(report.sent().between_nodes, 120);
}

TEST(RankReport, AsJson) {
  const nlohmann::ordered_json json = to_json(example());
  EXPECT_EQ(json["ranks"], 3);
  EXPECT_EQ(json["steps"], 7);
  EXPECT_EQ(json["hosts"], nlohmann::ordered_json({"n1", "n2", "n2"}));
  EXPECT_EQ(json["busy"], nlohmann::ordered_json({2.0, 4.0, 2.0}));
  EXPECT_EQ(json["bytes"], nlohmann::ordered_json({1, 101, 201}));
  EXPECT_EQ(json["bytes_between_nodes"], nlohmann::ordered_json({0, 40, 80}));
  EXPECT_EQ(json["slowest"]["rank"], 1);
  EXPECT_EQ(json["slowest"]["host"], "n2");
  EXPECT_EQ(json["slowest"]["of_mean"], 1.5);
  const nlohmann::ordered_json& product = json["phases"]["product"];
  EXPECT_EQ(product["seconds"], nlohmann::ordered_json({1.0, 3.0, 1.0}));
  EXPECT_EQ(product["min"], 1.0);
  EXPECT_EQ(product["max"], 3.0);
  EXPECT_DOUBLE_EQ(product["mean"], 5.0 / 3.0);
  EXPECT_EQ(json["phases"]["expand"]["bytes"], 300);
  EXPECT_EQ(json["phases"]["expand"]["bytes_between_nodes"], 120);
  EXPECT_EQ(json["phases"].size(), kPhases);
}

TEST(RankReport, ForPeople) {
  const std::vector<std::string> lines = format_report(example());
  EXPECT_THAT(lines.front(),
              HasSubstr("33.3 % of the time waited; sent 183 B within nodes, 120 B"));
  EXPECT_THAT(lines, Contains(HasSubstr("rank 1 (n2)")));
  EXPECT_EQ(lines.back(), "slowest: rank 1 on n2, 4.000 s of work, 1.50 times the mean");
}

TEST(RankReport, OneRankWaitsForNobody) {
  const RankReport report{3, {"n1"}, {counts_of(1)}};
  EXPECT_EQ(report.slowest(), 0);
  EXPECT_DOUBLE_EQ(report.imbalance(), 1.0);
  EXPECT_DOUBLE_EQ(report.wait_share(), 0.0);
  EXPECT_THAT(format_report(report), Not(Contains(HasSubstr("slowest"))));
}

TEST(RankReport, NothingCountedIsNothingWrong) {
  const RankReport report{0, {"n1", "n1"}, {PhaseCounts{}, PhaseCounts{}}};
  EXPECT_DOUBLE_EQ(report.imbalance(), 1.0);
  EXPECT_DOUBLE_EQ(report.wait_share(), 0.0);
}

TEST(GatherRanks, EveryRankKnowsEveryRank) {
  const Communicator comm = Communicator::world();
  const RankReport report = gather_ranks(comm, 5, counts_of(comm.rank()));
  EXPECT_EQ(report.steps, 5);
  ASSERT_EQ(report.ranks(), comm.size());
  EXPECT_EQ(std::ssize(report.hosts), comm.size());
  for (int rank = 0; rank < comm.size(); ++rank) {
    const auto r = static_cast<std::size_t>(rank);
    EXPECT_EQ(report.counts[r].seconds, counts_of(rank).seconds);
    EXPECT_EQ(report.counts[r].sent[1].all, counts_of(rank).sent[1].all);
    EXPECT_FALSE(report.hosts[r].empty());
  }
}

}  // namespace
}  // namespace siren
