// SPDX-License-Identifier: Apache-2.0
#include "ranking/metrics.hpp"

#include <cmath>
#include <limits>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace siren {
namespace {

/// "+-." = relevant, disliked, neither, best first.
std::vector<ListedItem> evaluated(std::string_view marks) {
  std::vector<ListedItem> items;
  for (const char mark : marks) items.push_back({mark == '+', mark == '-'});
  return items;
}

double value(const MetricValues& values, Metric metric) {
  return values[static_cast<std::size_t>(metric)];
}

TEST(Metrics, OfAListWorkedOutByHand) {
  const std::vector<ListedItem> items = evaluated(".+-+.");
  const MetricValues at5 = metrics_at({items, 3, 2}, 5);
  EXPECT_DOUBLE_EQ(value(at5, Metric::kPrecision), 2.0 / 5);
  EXPECT_DOUBLE_EQ(value(at5, Metric::kRecall), 2.0 / 3);
  EXPECT_DOUBLE_EQ(value(at5, Metric::kHitRate), 1.0);
  EXPECT_DOUBLE_EQ(value(at5, Metric::kReciprocalRank), 1.0 / 2);
  EXPECT_DOUBLE_EQ(value(at5, Metric::kAveragePrecision), (1.0 / 2 + 2.0 / 4) / 3);
  EXPECT_DOUBLE_EQ(value(at5, Metric::kDislike), 1.0 / 5);
  // positions 2 and 4 of a list that could have had relevant items on 1, 2 and 3
  const double dcg = 1 / std::log2(3.0) + 1 / std::log2(5.0);
  EXPECT_DOUBLE_EQ(value(at5, Metric::kNdcg), dcg / (1 + 1 / std::log2(3.0) + 1 / std::log2(4.0)));
}

TEST(Metrics, IdealIsLimitedByTheCutoff) {
  const std::vector<ListedItem> items = evaluated("++.+");
  const MetricValues at2 = metrics_at({items, 10, 0}, 2);
  EXPECT_DOUBLE_EQ(value(at2, Metric::kNdcg), 1.0);
  EXPECT_DOUBLE_EQ(value(at2, Metric::kAveragePrecision), 1.0);
  EXPECT_DOUBLE_EQ(value(at2, Metric::kPrecision), 1.0);
  EXPECT_DOUBLE_EQ(value(at2, Metric::kRecall), 2.0 / 10);
}

TEST(Metrics, NothingBeyondTheCutoffCounts) {
  const std::vector<ListedItem> items = evaluated("..+-");
  for (const double v : metrics_at({items, 1, 1}, 2)) EXPECT_EQ(v, 0.0);
  EXPECT_DOUBLE_EQ(value(metrics_at({items, 1, 1}, 3), Metric::kReciprocalRank), 1.0 / 3);
}

TEST(Metrics, AShortListIsDividedByTheWholeCutoff) {
  const std::vector<ListedItem> items = evaluated("+-");
  const MetricValues at10 = metrics_at({items, 1, 1}, 10);
  EXPECT_DOUBLE_EQ(value(at10, Metric::kPrecision), 1.0 / 10);
  EXPECT_DOUBLE_EQ(value(at10, Metric::kDislike), 1.0 / 10);
  EXPECT_DOUBLE_EQ(value(at10, Metric::kNdcg), 1.0);
  for (const double v : metrics_at({{}, 3, 2}, 10)) EXPECT_EQ(v, 0.0);
}

TEST(Metrics, DiscountsGoOnBeyondTheirTable) {
  std::vector<ListedItem> items(3000);
  items[2998].relevant = true;
  const MetricValues values = metrics_at({items, 1, 0}, 3000);
  EXPECT_DOUBLE_EQ(value(values, Metric::kNdcg), 1 / std::log2(3000.0));
}

TEST(Auc, CountsTiesHalf) {
  std::vector<float> liked = {3.0F, 1.0F};
  std::vector<float> disliked = {2.0F, 1.0F, 0.0F};
  // 3 beats all three; 1 beats 0, ties with 1, loses to 2
  EXPECT_DOUBLE_EQ(auc(liked, disliked), (3 + 1 + 0.5) / 6);
  EXPECT_DOUBLE_EQ(auc(disliked, liked), 1 - (3 + 1 + 0.5) / 6);
}

TEST(Auc, TakesNaNForTheLowestScore) {
  std::vector<float> liked = {std::numeric_limits<float>::quiet_NaN(), 1.0F};
  std::vector<float> disliked = {0.0F};
  EXPECT_DOUBLE_EQ(auc(liked, disliked), 0.5);
}

TEST(MetricSums, EachMeanIsOverTheUsersThatHaveIt) {
  const std::vector<int> cutoffs = {1, 2};
  const std::vector<ListedItem> hit = evaluated("+-");
  const std::vector<ListedItem> miss = evaluated("..");
  MetricSums sums(cutoffs);
  sums.add({hit, 1, 1});
  sums.add({miss, 1, 0});
  sums.add({evaluated("-."), 0, 2});
  sums.add_auc(0.25);
  EXPECT_EQ(sums.users(), 2);
  EXPECT_EQ(sums.disliking_users(), 2);
  EXPECT_EQ(sums.auc_users(), 1);
  EXPECT_DOUBLE_EQ(sums.mean(Metric::kPrecision, 0), 0.5);
  EXPECT_DOUBLE_EQ(sums.mean(Metric::kPrecision, 1), 0.25);
  EXPECT_DOUBLE_EQ(sums.mean(Metric::kDislike, 0), 0.5);
  EXPECT_DOUBLE_EQ(sums.mean(Metric::kDislike, 1), 0.5);
  EXPECT_DOUBLE_EQ(sums.mean_auc(), 0.25);
}

/// Of three disliked items in one list, a liked one in another and one of each in a third.
TEST(MetricSums, DislikeShareIsOfAllListsTogether) {
  const std::vector<int> cutoffs = {1, 4};
  MetricSums sums(cutoffs);
  sums.add({evaluated("---.-"), 0, 4});
  sums.add({evaluated("+"), 5, 0});
  sums.add({evaluated("..+-"), 1, 1});
  sums.add({{}, 2, 2});
  EXPECT_DOUBLE_EQ(sums.mean(Metric::kDislikeShare, 0), 1.0 / 2);
  EXPECT_DOUBLE_EQ(sums.mean(Metric::kDislikeShare, 1), 4.0 / 6);
}

TEST(MetricSums, WhatIsRelevantAndDislikedIsOneItemOfTheShare) {
  const std::vector<int> cutoffs = {2};
  const std::vector<ListedItem> items = {{true, true}, {true, false}};
  MetricSums sums(cutoffs);
  sums.add({items, 2, 1});
  EXPECT_DOUBLE_EQ(sums.mean(Metric::kDislikeShare, 0), 1.0 / 2);
}

TEST(MetricSums, RoundNoMoreThanADoubleDoes) {
  const std::vector<int> cutoffs = {3};
  const std::vector<ListedItem> items = evaluated(".++");
  const EvaluatedList list{items, 7, 0};
  MetricSums sums(cutoffs);
  sums.add(list);
  sums.add_auc(1.0 / 3.0);
  const double ndcg = metrics_at(list, 3)[static_cast<std::size_t>(Metric::kNdcg)];
  EXPECT_NEAR(sums.mean(Metric::kNdcg, 0), ndcg, 2e-16);  // one step of a double below 1
  EXPECT_NEAR(sums.mean_auc(), 1.0 / 3.0, 2e-16);
}

TEST(MetricSums, AddUp) {
  const std::vector<int> cutoffs = {1};
  const std::vector<ListedItem> hit = evaluated("+");
  MetricSums one(cutoffs);
  MetricSums two(cutoffs);
  one.add({hit, 1, 0});
  two.add({{}, 1, 0});
  two += one;
  EXPECT_EQ(two.users(), 2);
  EXPECT_DOUBLE_EQ(two.mean(Metric::kHitRate, 0), 0.5);
}

/// 200 lists of all lengths and kinds, added one by one and in three parts from behind.
TEST(MetricSums, DoNotDependOnOrderOrParts) {
  const std::vector<int> cutoffs = {3, 7};
  MetricSums whole(cutoffs);
  std::vector<MetricSums> parts(3, MetricSums(cutoffs));
  const auto add = [](MetricSums& sums, int user) {
    std::vector<ListedItem> items;
    for (int i = 0; i < user % 11; ++i)
      items.push_back({(user * 7 + i) % 3 == 0, i % 5 == user % 5});
    sums.add({items, 9 + user % 13, 4});
    sums.add_auc(1.0 / (user + 1));
  };
  for (int user = 0; user < 200; ++user) add(whole, user);
  for (int user = 199; user >= 0; --user) add(parts[static_cast<std::size_t>(user % 3)], user);
  MetricSums together = parts[2];
  together += parts[0];
  together += parts[1];
  EXPECT_EQ(together.mean_auc(), whole.mean_auc());
  for (std::size_t m = 0; m < kMetrics; ++m)
    for (std::size_t c = 0; c < cutoffs.size(); ++c)
      EXPECT_EQ(together.mean(static_cast<Metric>(m), c), whole.mean(static_cast<Metric>(m), c))
          << kMetricNames[m];
}

/// Against the formula, over users of whom some have no such figure.
TEST(MetricSums, TellTheStandardError) {
  const std::vector<int> cutoffs = {2};
  const std::vector<std::vector<ListedItem>> lists = {evaluated("+."), evaluated("++"),
                                                      evaluated(".-"), evaluated("-+")};
  MetricSums sums(cutoffs);
  std::vector<double> precision, disliked;
  const std::vector<double> aucs = {0.25, 1.0, 0.0};
  for (std::size_t user = 0; user < lists.size(); ++user) {
    const EvaluatedList list{lists[user], user == 2 ? 0 : 2, user < 2 ? 0 : 1};
    sums.add(list);
    const MetricValues values = metrics_at(list, 2);
    if (user != 2) precision.push_back(values[static_cast<std::size_t>(Metric::kPrecision)]);
    if (user >= 2) disliked.push_back(values[static_cast<std::size_t>(Metric::kDislike)]);
  }
  for (const double value : aucs) sums.add_auc(value);
  const auto error_of = [](const std::vector<double>& values) {
    const auto n = static_cast<double>(values.size());
    double sum = 0.0, squares = 0.0;
    for (const double value : values) sum += value;
    for (const double value : values) squares += (value - sum / n) * (value - sum / n);
    return std::sqrt(squares / (n - 1.0) / n);
  };
  EXPECT_NEAR(sums.error(Metric::kPrecision, 0), error_of(precision), 1e-15);
  EXPECT_GT(sums.error(Metric::kPrecision, 0), 0.1);
  EXPECT_NEAR(sums.error(Metric::kDislike, 0), error_of(disliked), 1e-15);
  EXPECT_NEAR(sums.error_auc(), error_of(aucs), 1e-15);
  EXPECT_TRUE(std::isnan(sums.error(Metric::kDislikeShare, 0)));
  MetricSums one(cutoffs);
  one.add_auc(0.5);
  EXPECT_TRUE(std::isnan(one.error_auc()));
}

TEST(MetricSums, HaveNoMeanOverNobody) {
  const std::vector<int> cutoffs = {1};
  const MetricSums sums(cutoffs);
  EXPECT_TRUE(std::isnan(sums.mean(Metric::kNdcg, 0)));
  EXPECT_TRUE(std::isnan(sums.mean(Metric::kDislike, 0)));
  EXPECT_TRUE(std::isnan(sums.mean(Metric::kDislikeShare, 0)));
  EXPECT_TRUE(std::isnan(sums.mean_auc()));
}

}  // namespace
}  // namespace siren
