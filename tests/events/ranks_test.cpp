// SPDX-License-Identifier: Apache-2.0
#include "events/ranks.hpp"

#include <vector>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

namespace siren {
namespace {

using testing::Contains;
using testing::HasSubstr;

void set(PhaseCounts& counts, Phase phase, double seconds, const SentBytes& sent = {}) {
  counts.seconds[static_cast<std::size_t>(phase)] = seconds;
  counts.sent[static_cast<std::size_t>(phase)] = sent;
}

/// Rank 1 works twice as long as the others, which wait for it. It also evaluated and saved for long,
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
  return rank_report(7, {"n1", "n2", "n2"}, std::vector{counts_of(0), counts_of(1), counts_of(2)});
}

TEST(RankReport, NamesTheRankForWhichTheOthersWaited) {
  const RankReport report = example();
  EXPECT_EQ(report.slowest(), 1);
  EXPECT_DOUBLE_EQ(report.busy_seconds[0], 2.0);
  EXPECT_DOUBLE_EQ(report.busy_seconds[1], 4.0);
  EXPECT_DOUBLE_EQ(report.imbalance(), 1.5);
  EXPECT_DOUBLE_EQ(report.wait_share(), 4.0 / 12.0);
  EXPECT_EQ(report.sent_by_all().all, 303);
  EXPECT_EQ(report.sent_by_all().between_nodes, 120);
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
  const RankReport report = rank_report(3, {"n1"}, std::vector{counts_of(1)});
  EXPECT_EQ(report.slowest(), 0);
  EXPECT_DOUBLE_EQ(report.imbalance(), 1.0);
  EXPECT_DOUBLE_EQ(report.wait_share(), 0.0);
  EXPECT_THAT(format_report(report), Not(Contains(HasSubstr("slowest"))));
}

TEST(RankReport, NothingCountedIsNothingWrong) {
  const RankReport report = rank_report(0, {"n1", "n1"}, std::vector<PhaseCounts>(2));
  EXPECT_DOUBLE_EQ(report.imbalance(), 1.0);
  EXPECT_DOUBLE_EQ(report.wait_share(), 0.0);
}

TEST(RankReport, IsReadBack) {
  EXPECT_EQ(rank_report_from_json(to_json(example())), example());
}

TEST(Imbalance, IsTheMostByTheMean) {
  EXPECT_DOUBLE_EQ(imbalance(std::vector{1.0, 3.0}), 1.5);
  EXPECT_EQ(imbalance(std::vector{0.0, 0.0}), 1.0);
}

}  // namespace
}  // namespace siren
