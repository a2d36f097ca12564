// SPDX-License-Identifier: Apache-2.0
#include "data/permutation.hpp"

#include <cmath>
#include <map>
#include <set>
#include <vector>

#include <gtest/gtest.h>

namespace siren {
namespace {

std::vector<std::int64_t> positions(const EpochPermutation& order, std::int64_t n) {
  std::vector<std::int64_t> all;
  for (std::int64_t id = 0; id < n; ++id) all.push_back(order.position_of(id));
  return all;
}

/// A chi-square value this large has a probability of some 1e-6 or less: mean and five deviations.
double implausible(double degrees_of_freedom) {
  return degrees_of_freedom + 5 * std::sqrt(2 * degrees_of_freedom) + 10;
}

TEST(EpochPermutation, IsABijectionForEverySeedAndEpoch) {
  for (const std::int64_t n : {1, 2, 3, 4, 5, 10, 16, 17, 1000, 12345})
    for (const std::uint32_t seed : {0U, 1U, 0xffffffffU})
      for (const std::int32_t epoch : {1, 2, 1000}) {
        const std::vector<std::int64_t> order = positions(EpochPermutation(seed, epoch, n), n);
        const std::set<std::int64_t> distinct(order.begin(), order.end());
        ASSERT_EQ(static_cast<std::int64_t>(distinct.size()), n)
            << "seed " << seed << " epoch " << epoch;
        ASSERT_EQ(*distinct.begin(), 0);
        ASSERT_EQ(*distinct.rbegin(), n - 1) << "seed " << seed << " epoch " << epoch;
      }
}

TEST(EpochPermutation, IsTheSameTabulated) {
  for (const std::int64_t n : {1, 2, 3, 10, 17, 1000, 12345, 1 << 20}) {
    const EpochPermutation plain(7, 3, n, Purpose::kPolarityOrder);
    EpochPermutation tabulated = plain;
    tabulated.tabulate();
    EXPECT_EQ(positions(tabulated, std::min<std::int64_t>(n, 20000)),
              positions(plain, std::min<std::int64_t>(n, 20000)));
  }
}

TEST(EpochPermutation, WorksBeyond32Bits) {
  for (const std::int64_t n :
       {(std::int64_t{1} << 33) + 5, std::int64_t{1} << 40, (std::int64_t{1} << 61) + 12345}) {
    const EpochPermutation order(1, 1, n);
    std::set<std::int64_t> seen;
    for (std::int64_t i = 0; i < 1000; ++i) {
      const std::int64_t position = order.position_of(i * (n / 1000));
      EXPECT_TRUE(position >= 0 && position < n) << position << " of " << n;
      seen.insert(position);
    }
    EXPECT_EQ(seen.size(), 1000U);
  }
}

TEST(EpochPermutation, ChangesWithSeedAndEpochOnly) {
  const std::int64_t n = 1000;
  const auto order = positions(EpochPermutation(5, 3, n), n);
  EXPECT_EQ(order, positions(EpochPermutation(5, 3, n), n));
  for (const auto& other :
       {positions(EpochPermutation(6, 3, n), n), positions(EpochPermutation(5, 4, n), n)}) {
    int same = 0;
    for (std::size_t id = 0; id < order.size(); ++id) same += order[id] == other[id] ? 1 : 0;
    EXPECT_LE(same, 10);  // one is expected of two unrelated orders
  }
}

TEST(EpochPermutation, EveryOrderOfFewRatingsIsAboutEquallyLikely) {
  for (const std::int64_t n : {2, 3}) {
    std::map<std::vector<std::int64_t>, int> counts;
    constexpr int kEpochs = 12000;
    for (std::int32_t epoch = 1; epoch <= kEpochs; ++epoch)
      ++counts[positions(EpochPermutation(9, epoch, n), n)];
    const double orders = n == 2 ? 2.0 : 6.0;
    ASSERT_EQ(static_cast<double>(counts.size()), orders);
    double chi_square = 0.0;
    for (const auto& [order, count] : counts)
      chi_square += std::pow(count - kEpochs / orders, 2) / (kEpochs / orders);
    EXPECT_LT(chi_square, implausible(orders - 1)) << n << " ratings";
  }
}

TEST(EpochPermutation, EveryPositionIsAboutEquallyLikelyForEveryRating) {
  constexpr std::int64_t kRatings = 10;
  constexpr int kEpochs = 20000;
  std::vector<int> counts(kRatings * kRatings, 0);
  for (std::int32_t epoch = 1; epoch <= kEpochs; ++epoch) {
    const EpochPermutation order(2, epoch, kRatings);
    for (std::int64_t id = 0; id < kRatings; ++id)
      ++counts[static_cast<std::size_t>(id * kRatings + order.position_of(id))];
  }
  double chi_square = 0.0;
  for (const int count : counts)
    chi_square += std::pow(count - kEpochs / 10.0, 2) / (kEpochs / 10.0);
  EXPECT_LT(chi_square, implausible((kRatings - 1) * (kRatings - 1)));
}

TEST(EpochPermutation, NeighboursAreScattered) {
  constexpr std::int64_t kRatings = 12345;
  const auto order = positions(EpochPermutation(1, 1, kRatings), kRatings);
  // pairs of tenths in which a rating and the next one fall
  std::vector<int> counts(100, 0);
  for (std::size_t id = 0; id + 1 < order.size(); ++id)
    ++counts[static_cast<std::size_t>(order[id] * 10 / kRatings * 10 +
                                      order[id + 1] * 10 / kRatings)];
  double chi_square = 0.0;
  for (const int count : counts)
    chi_square += std::pow(count - kRatings / 100.0, 2) / (kRatings / 100.0);
  EXPECT_LT(chi_square, implausible(99));
}

}  // namespace
}  // namespace siren
