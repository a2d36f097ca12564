// SPDX-License-Identifier: Apache-2.0
#include "data/shared_sampler.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include <gtest/gtest.h>

namespace siren::test {
namespace {

const std::vector<std::int32_t> kDegrees = {4, 0, 1, 9, 16, 25, 1, 0, 36, 2};

TEST(SharedSampler, DrawsByTheRootOfTheDegree) {
  const SharedSampler sampler(kDegrees, 0.5, 3, 1000);
  std::map<ItemId, double> times;
  std::vector<ItemId> items;
  for (std::int64_t step = 1; step <= 100; ++step) {
    sampler.draw(step, items);
    ASSERT_EQ(std::ssize(items), 1000);
    EXPECT_TRUE(std::is_sorted(items.begin(), items.end()));
    for (const ItemId item : items) times[item] += 1.0 / 100.0;
  }
  EXPECT_EQ(times.count(1), 0U);
  EXPECT_EQ(times.count(7), 0U);
  for (const auto& [item, mean] : times) {
    const double expected = std::exp(sampler.log_expected(item));
    // Five deviations of a mean of 100 counts: by chance beyond them once in a million.
    EXPECT_NEAR(mean, expected, 5.0 * std::sqrt(expected / 100.0)) << item;
  }
}

TEST(SharedSampler, IsKeyedBySeedAndStep) {
  std::set<std::vector<ItemId>> all;
  std::vector<ItemId> items;
  for (const std::uint32_t seed : {1U, 2U})
    for (const std::int64_t step : {1, 2}) {
      const SharedSampler sampler(kDegrees, 0.5, seed, 50);
      sampler.draw(step, items);
      all.insert(items);
      std::vector<ItemId> again;
      sampler.draw(step, again);
      EXPECT_EQ(items, again);
    }
  EXPECT_EQ(all.size(), 4U);
}

/// What the corrected sum is for: its mean over many draws is the sum over all items.
TEST(SharedSampler, TheCorrectedSumHasTheWholeSumAsItsMean) {
  const SharedSampler sampler(kDegrees, 0.5, 7, 20);
  const auto term = [](ItemId item) { return std::exp(0.3 * item - 1.0); };
  double whole = 0.0;
  for (std::size_t i = 0; i < kDegrees.size(); ++i)
    if (kDegrees[i] > 0) whole += term(static_cast<ItemId>(i));
  constexpr int kSteps = 4000;
  double sum = 0.0;
  double squares = 0.0;
  std::vector<ItemId> items;
  for (std::int64_t step = 1; step <= kSteps; ++step) {
    sampler.draw(step, items);
    double estimate = 0.0;
    for (const ItemId item : items) estimate += term(item) / std::exp(sampler.log_expected(item));
    sum += estimate;
    squares += estimate * estimate;
  }
  const double mean = sum / kSteps;
  const double deviation = std::sqrt((squares / kSteps - mean * mean) / kSteps);
  EXPECT_NEAR(mean, whole, 5.0 * deviation);  // by chance once in a million
  EXPECT_LT(deviation, 0.02 * whole) << "the bound would say little";
}

}  // namespace
}  // namespace siren::test
