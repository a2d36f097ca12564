// SPDX-License-Identifier: Apache-2.0
#include "ranking/comparison.hpp"

#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

namespace siren {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

TEST(Spread, IsOverCountMinusOne) {
  const Spread spread = spread_of(std::vector<double>{2, 4, 4, 4, 5, 5, 7, 9});
  EXPECT_EQ(spread.count, 8);
  EXPECT_DOUBLE_EQ(spread.mean, 5.0);
  EXPECT_DOUBLE_EQ(spread.sd, std::sqrt(32.0 / 7.0));
}

TEST(Spread, LeavesOutWhatIsNotThere) {
  const Spread spread = spread_of(std::vector<double>{1, kNone, 3});
  EXPECT_EQ(spread.count, 2);
  EXPECT_DOUBLE_EQ(spread.mean, 2.0);
  EXPECT_DOUBLE_EQ(spread.sd, std::sqrt(2.0));
}

TEST(Spread, NeedsTwoValuesForADeviationAndOneForAMean) {
  EXPECT_DOUBLE_EQ(spread_of(std::vector<double>{3}).mean, 3.0);
  EXPECT_TRUE(std::isnan(spread_of(std::vector<double>{3}).sd));
  EXPECT_TRUE(std::isnan(spread_of({}).mean));
}

TEST(PairedDifference, ComparesWithinPairs) {
  // differences 1, 2, 0, -1: mean 0.5, sd sqrt(5/3), t = 0.5 / (sd / 2)
  const std::vector<double> a = {10, 20, 30, 40};
  const std::vector<double> b = {11, 22, 30, 39};
  const PairedDifference d = compare_pairs(a, b);
  EXPECT_EQ(d.difference.count, 4);
  EXPECT_DOUBLE_EQ(d.difference.mean, 0.5);
  EXPECT_DOUBLE_EQ(d.difference.sd, std::sqrt(5.0 / 3.0));
  EXPECT_DOUBLE_EQ(d.t, 0.5 / (std::sqrt(5.0 / 3.0) / 2.0));
  EXPECT_EQ(d.above, 2);
  EXPECT_EQ(d.below, 1);
}

TEST(PairedDifference, LeavesOutPairsWithoutAPartner) {
  const PairedDifference d =
      compare_pairs(std::vector<double>{1, kNone, 3}, std::vector<double>{2, 5, kNone});
  EXPECT_EQ(d.difference.count, 1);
  EXPECT_DOUBLE_EQ(d.difference.mean, 1.0);
  EXPECT_EQ(d.above, 1);
  EXPECT_EQ(d.below, 0);
  EXPECT_TRUE(std::isnan(d.t));
}

TEST(PairedDifference, HasNoTWithoutSpread) {
  EXPECT_TRUE(std::isnan(compare_pairs(std::vector<double>{1, 2}, std::vector<double>{2, 3}).t));
}

}  // namespace
}  // namespace siren
