// SPDX-License-Identifier: Apache-2.0
#include "ingest/synth_popularity.hpp"

#include <cmath>

#include <gmock/gmock.h>

namespace siren {
namespace {

SynthConfig sized(std::int64_t users, std::int64_t items, std::int64_t ratings) {
  SynthConfig config;
  config.users = users;
  config.items = items;
  config.ratings = ratings;
  config.communities = 1;  // all items at one rate: one interest
  config.user_degrees = {{1.0, 1.0}};
  return config;
}

TEST(SynthPopularity, WeightsAreAsWantedWhereNothingIsMetTwice) {
  SynthConfig config = sized(1000000, 1000, 1000000);
  config.item_degrees = {{1.0, 4.0}, {1.0, 1.0}};
  const ItemWeights weights = fitted_popularity(config, SynthPlan(config));
  ASSERT_EQ(std::ssize(weights.by_rank), 1000);
  // Degrees 1,600 and 400, of which one rating each is required and no part of the weight.
  EXPECT_NEAR(weights.by_rank[0] / weights.by_rank[999], 1599.0 / 399.0, 0.01);
}

TEST(SynthPopularity, WhatManyHaveMetWeighsMoreThanItIsWanted) {
  SynthConfig config = sized(1000, 1000, 200000);
  config.item_degrees = {{1.0, 7.0}, {9.0, 1.0}};
  const ItemWeights weights = fitted_popularity(config, SynthPlan(config));
  // 1 - exp(-t w) = d / U for the degrees 875 and 125 of 1,000 users, less the required rating.
  const double expected = std::log(1.0 - .874) / std::log(1.0 - .124);
  EXPECT_NEAR(weights.by_rank[0] / weights.by_rank[999], expected, 0.02 * expected);
}

TEST(SynthPopularity, TheMostPopularItemsHaveChancesOfTheirOwn) {
  SynthConfig config = sized(10000, 300, 60000);
  config.communities = 3;
  for (int k = 0; k < 300; ++k) config.item_degrees.push_back({1.0, 1000.0 / (k + 1)});
  const ItemWeights weights = fitted_popularity(config, SynthPlan(config));
  ASSERT_EQ(std::ssize(weights.chances), 300);
  EXPECT_EQ(weights.chances[0], 1.0) << "the first of a rank is the heaviest";
  EXPECT_LT(weights.chances[1], 0.6);
  EXPECT_LT(weights.chances[2], weights.chances[1]);
  EXPECT_GT(weights.chances[2], 0.0);
}

}  // namespace
}  // namespace siren
