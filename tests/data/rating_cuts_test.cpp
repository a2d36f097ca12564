// SPDX-License-Identifier: Apache-2.0
#include "data/rating_cuts.hpp"

#include <cmath>

#include <gtest/gtest.h>

namespace siren::test {
namespace {

/// Cuts of values that occur so often.
RatingCuts cuts_of(const std::vector<std::pair<float, int>>& values, float offset) {
  RatingHistogram histogram;
  std::int64_t liked = 0;
  std::int64_t disliked = 0;
  for (const auto& [value, count] : values)
    for (int i = 0; i < count; ++i) {
      histogram.add(value);
      liked += value > offset ? 1 : 0;
      disliked += value < offset ? 1 : 0;
    }
  return histogram.cuts(offset, liked, disliked);
}

TEST(RatingCuts, LieBetweenNeighbours) {
  const RatingCuts cuts = cuts_of({{1, 1}, {2, 2}, {3, 3}, {4, 2}, {5, 2}}, 3.5F);
  EXPECT_EQ(cuts.values, (std::vector<float>{1.5F, 2.5F, 3.5F, 4.5F}));
  EXPECT_EQ(cuts.offset, 2);
  EXPECT_NEAR(cuts.share_above[0], 0.9, 1e-12);
  EXPECT_NEAR(cuts.share_above[1], 0.7, 1e-12);
  EXPECT_NEAR(cuts.share_above[2], 0.4, 1e-12);
  EXPECT_NEAR(cuts.share_above[3], 0.2, 1e-12);
  for (int value = 1; value <= 5; ++value)
    EXPECT_EQ(cuts.level_of(static_cast<float>(value)), value - 1);
}

TEST(RatingCuts, TheOffsetReplacesTheMiddleOfItsGap) {
  const RatingCuts cuts = cuts_of({{1, 4}, {2, 4}, {5, 8}}, 2.25F);
  EXPECT_EQ(cuts.values, (std::vector<float>{1.5F, 2.25F}));
  EXPECT_EQ(cuts.offset, 1);
}

TEST(RatingCuts, RatingsEqualToTheOffsetHaveNoPartInItsShare) {
  const RatingCuts cuts = cuts_of({{1, 3}, {2, 10}, {3, 1}}, 2.0F);
  EXPECT_EQ(cuts.values, (std::vector<float>{1.5F, 2.0F}));
  EXPECT_NEAR(cuts.share_above[1], 0.25, 1e-12);
  EXPECT_EQ(cuts.level_of(2.0F), 1);
  EXPECT_EQ(cuts.level_of(3.0F), 2);
}

TEST(RatingCuts, OfTwoValuesAreTheOffset) {
  const RatingCuts cuts = cuts_of({{-1, 3}, {1, 1}}, 0.0F);
  EXPECT_EQ(cuts.values, (std::vector<float>{0.0F}));
  EXPECT_NEAR(cuts.share_above[0], 0.25, 1e-12);
}

TEST(RatingCuts, AreNoneWithoutLikesOrDislikes) {
  EXPECT_EQ(cuts_of({{4, 3}, {5, 1}}, 3.5F).count(), 0);
  EXPECT_EQ(cuts_of({{1, 3}, {2, 1}}, 3.5F).count(), 0);
}

TEST(RatingCuts, OfManyValuesLieAtDeciles) {
  std::vector<std::pair<float, int>> values;
  for (int i = 0; i < 200; ++i) values.push_back({static_cast<float>(i), 1});
  const RatingCuts cuts = cuts_of(values, 133.5F);
  ASSERT_EQ(cuts.count(), 10);
  EXPECT_EQ(cuts.values[static_cast<std::size_t>(cuts.offset)], 133.5F);
  int decile = 1;
  for (std::int64_t k = 0; k < cuts.count(); ++k) {
    if (k == cuts.offset) continue;
    const auto at = static_cast<std::size_t>(k);
    EXPECT_NEAR(cuts.share_above[at], 1.0 - 0.1 * decile++, 0.011);  // 200 values, bins of two
    if (k == 0) continue;
    EXPECT_GT(cuts.values[at], cuts.values[at - 1]);
  }
}

TEST(RatingCuts, ZeroAndMinusZeroAreOneValue) {
  const RatingCuts cuts = cuts_of({{-1, 1}, {-0.0F, 1}, {0.0F, 1}, {1, 1}}, 0.5F);
  EXPECT_EQ(cuts.values, (std::vector<float>{-0.5F, 0.5F}));
}

TEST(RatingHistogram, OfSeveralRanksIsThatOfAll) {
  RatingHistogram all;
  std::array<RatingHistogram, 2> parts;
  for (int i = 0; i < 50; ++i) {
    const float value = 0.37F * static_cast<float>(i % 13) - 1.0F;
    all.add(value);
    parts[static_cast<std::size_t>(i % 3 == 0)].add(value);
  }
  for (std::size_t b = 0; b < parts[0].counts().size(); ++b)
    parts[0].counts()[b] += parts[1].counts()[b];
  for (std::size_t b = 0; b < parts[0].bounds().size(); ++b)
    parts[0].bounds()[b] = std::min(parts[0].bounds()[b], parts[1].bounds()[b]);
  const RatingCuts want = all.cuts(1.0F, 20, 30);
  const RatingCuts got = parts[0].cuts(1.0F, 20, 30);
  EXPECT_EQ(got.values, want.values);
  EXPECT_EQ(got.share_above, want.share_above);
}

}  // namespace
}  // namespace siren::test
