// SPDX-License-Identifier: Apache-2.0
#include "data/negative_sampler.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include <gtest/gtest.h>

namespace siren {
namespace {

/// A chi-square value this large has a probability of some 1e-6 or less: mean and five deviations.
double implausible(double degrees_of_freedom) {
  return degrees_of_freedom + 5 * std::sqrt(2 * degrees_of_freedom) + 10;
}

// ---- the alias table

struct TableShare {
  double probability = 0.0;
  int pieces = 0;  // each rounded to a multiple of 2^-32 of a column
};

/// What each index gets over all columns and coins, found by bisecting where the coin changes a
/// column's answer.
std::vector<TableShare> shares_of(const AliasTable& table) {
  const auto n = static_cast<std::uint64_t>(table.size());
  std::vector<TableShare> shares(n);
  const auto give = [&](std::int32_t index, double coins) {
    shares[static_cast<std::size_t>(index)].probability += coins / 0x1p32 / static_cast<double>(n);
    ++shares[static_cast<std::size_t>(index)].pieces;
  };
  for (std::uint64_t column = 0; column < n; ++column) {
    const auto pick = static_cast<std::uint64_t>((static_cast<long double>(column) + 0.5L) /
                                                 static_cast<long double>(n) * 0x1p64L);
    const auto draw = [&](std::uint64_t coin) {
      return table.draw(static_cast<std::uint32_t>(pick), static_cast<std::uint32_t>(pick >> 32),
                        static_cast<std::uint32_t>(coin));
    };
    std::uint64_t same = 0;
    std::uint64_t different = std::uint64_t{1} << 32;
    while (different - same > 1) {
      const std::uint64_t middle = (same + different) / 2;
      (draw(middle) == draw(0) ? same : different) = middle;
    }
    give(draw(0), static_cast<double>(different));
    if (different < std::uint64_t{1} << 32)
      give(draw(0xffffffff), 0x1p32 - static_cast<double>(different));
  }
  return shares;
}

void expect_exact(const std::vector<double>& weights) {
  const AliasTable table(weights);
  const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
  EXPECT_DOUBLE_EQ(table.total(), total);
  const std::vector<TableShare> shares = shares_of(table);
  const auto n = static_cast<double>(weights.size());
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const double rounding =
        0x1p-32 / n * shares[i].pieces + 1e-13;  // and that of building the table
    EXPECT_NEAR(shares[i].probability, weights[i] / total, rounding) << i << " of " << n;
    EXPECT_TRUE(weights[i] > 0.0 || shares[i].probability == 0.0) << i;
  }
}

TEST(AliasTable, GivesEveryWeightItsShareExactly) {
  expect_exact({1.0});
  expect_exact({1.0, 1.0});
  expect_exact({0.25, 0.75});
  expect_exact({0.0, 3.0, 0.0});
  expect_exact({1e-12, 1.0, 1e6});
  expect_exact(std::vector<double>(37, 2.5));
  std::vector<double> skewed;
  for (int i = 0; i < 500; ++i) skewed.push_back(i % 5 == 0 ? 0.0 : std::pow(i, 1.7));
  expect_exact(skewed);
}

TEST(AliasTable, MayHaveNothingToDraw) {
  EXPECT_EQ(AliasTable(std::vector<double>(3, 0.0)).total(), 0.0);
  EXPECT_EQ(AliasTable(std::vector<double>{}).size(), 0);
}

// ---- the sampler

/// Degrees of a popularity-skewed catalogue with unrated items among them.
std::vector<std::int32_t> catalogue(std::int32_t items) {
  std::vector<std::int32_t> degrees;
  for (std::int32_t item = 0; item < items; ++item)
    degrees.push_back(item % 7 == 3 ? 0 : 1 + 500 / (item + 1));
  return degrees;
}

/// Chi-square of the items drawn for one user over many ratings, epochs and k.
void expect_distribution(const std::vector<std::int32_t>& degrees, double exponent,
                         const std::vector<ItemId>& rated, int draws) {
  const NegativeSampler sampler(degrees, exponent, 17);
  ASSERT_TRUE(sampler.can_sample(rated));
  std::vector<int> counts(degrees.size(), 0);
  for (int n = 0; n < draws; ++n) {
    const ItemId item = sampler.draw(rated, 1000 + n / 40 % 50, 1 + n / 2000, n % 40);
    ASSERT_TRUE(item >= 0 && item < static_cast<ItemId>(degrees.size())) << item;
    ++counts[static_cast<std::size_t>(item)];
  }
  std::vector<double> weights;
  for (std::size_t i = 0; i < degrees.size(); ++i) {
    const bool possible =
        degrees[i] > 0 && !std::binary_search(rated.begin(), rated.end(), static_cast<ItemId>(i));
    weights.push_back(possible ? std::pow(degrees[i], exponent) : 0.0);
    EXPECT_TRUE(possible || counts[i] == 0) << "item " << i << " of degree " << degrees[i];
  }
  const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
  double chi_square = 0.0;
  double cells = 0.0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (weights[i] == 0.0) continue;
    const double expected = draws * weights[i] / total;
    ASSERT_GT(expected, 5.0) << "too few draws for this test";
    chi_square += std::pow(counts[i] - expected, 2) / expected;
    ++cells;
  }
  EXPECT_LT(chi_square, implausible(cells - 1));
}

TEST(NegativeSampler, DrawsInProportionToThePowerOfTheDegree) {
  for (const double exponent : {0.0, 0.75, 1.0}) {
    expect_distribution(catalogue(50), exponent, {}, 100000);
    expect_distribution(catalogue(50), exponent, {0, 1, 2, 4, 30, 49}, 100000);
  }
}

// What remains has a ten-thousandth of the weight: nearly every draw ends in the inversion.
TEST(NegativeSampler, InvertsTheDistributionOverTheComplementExactly) {
  std::vector<std::int32_t> degrees(30, 1'000'000);
  std::vector<ItemId> rated;
  degrees[3] = 1;
  degrees[10] = 0;
  degrees[11] = 20;
  degrees[29] = 6;
  for (ItemId item = 0; item < 30; ++item)
    if (degrees[static_cast<std::size_t>(item)] == 1'000'000) rated.push_back(item);
  expect_distribution(degrees, 0.75, rated, 20000);
  rated.insert(rated.begin(), rated.front());  // the pair stands in two folds
  expect_distribution(degrees, 0.75, rated, 20000);
}

TEST(NegativeSampler, TerminatesWhenOneItemIsLeft) {
  std::vector<std::int32_t> degrees(100, 1'000'000);
  degrees[42] = 1;
  degrees[43] = 0;
  std::vector<ItemId> rated;
  for (ItemId item = 0; item < 100; ++item)
    if (item != 42 && item != 43) rated.push_back(item);
  const NegativeSampler sampler(degrees, 0.75, 1);
  ASSERT_TRUE(sampler.can_sample(rated));
  for (std::int32_t k = 0; k < 40; ++k) EXPECT_EQ(sampler.draw(rated, 5, 1, k), 42);
}

TEST(NegativeSampler, SaysWhenNothingIsLeft) {
  const std::vector<std::int32_t> degrees = {4, 0, 2, 1};
  const NegativeSampler sampler(degrees, 0.75, 1);
  EXPECT_TRUE(sampler.can_sample(std::vector<ItemId>{}));
  EXPECT_TRUE(sampler.can_sample(std::vector<ItemId>{0, 3}));
  EXPECT_FALSE(sampler.can_sample(std::vector<ItemId>{0, 2, 3}));
  EXPECT_FALSE(
      NegativeSampler(std::vector<std::int32_t>(3, 0), 0.75, 1).can_sample(std::vector<ItemId>{}));
}

TEST(NegativeSampler, IsAFunctionOfSeedRatingEpochAndDraw) {
  const std::vector<std::int32_t> degrees(1000, 7);
  const std::vector<ItemId> rated = {1, 2, 3};
  const auto draws = [&](std::uint32_t seed, std::int64_t id, std::int32_t epoch) {
    const NegativeSampler sampler(degrees, 0.75, seed);
    std::vector<ItemId> drawn;
    for (std::int32_t k = 0; k < 40; ++k) drawn.push_back(sampler.draw(rated, id, epoch, k));
    return drawn;
  };
  const std::vector<ItemId> first = draws(1, 99, 2);
  EXPECT_EQ(first, draws(1, 99, 2));
  EXPECT_NE(first, draws(2, 99, 2));
  EXPECT_NE(first, draws(1, 98, 2));
  EXPECT_NE(first, draws(1, 99 + (std::int64_t{1} << 32), 2));
  EXPECT_NE(first, draws(1, 99, 3));
  EXPECT_GT(std::set<ItemId>(first.begin(), first.end()).size(), 30U) << "the k-th draws are alike";
  const NegativeSampler sampler(degrees, 0.75, 1);
  for (std::int32_t k = 39; k >= 0; --k)
    EXPECT_EQ(sampler.draw(rated, 99, 2, k), first[static_cast<std::size_t>(k)])
        << "order of calls";
}

TEST(NegativeSampler, DrawsTogetherWhatItDrawsOneByOne) {
  std::vector<std::int32_t> degrees(1000);
  for (std::size_t i = 0; i < degrees.size(); ++i)
    degrees[i] = static_cast<std::int32_t>(i % 7 * i % 311);
  for (const Isa isa : {Isa::kPortable, best_isa()}) {
    const NegativeSampler sampler(degrees, 0.75, 3, isa);
    std::int64_t rejected = 0;
    for (const int share : {0, 3, 40, 97}) {  // percent of the items that the user has rated
      std::vector<ItemId> rated;
      for (ItemId item = 0; item < 1000; ++item)
        if (degrees[static_cast<std::size_t>(item)] > 0 && item * 37 % 100 < share)
          rated.push_back(item);
      UserRatings ratings;
      ratings.items = rated;
      ratings.offsets = {0, static_cast<EdgeOffset>(rated.size())};
      const RatedFilter filter(ratings, share == 3 ? 1'000'000 : 1000);  // both kinds
      for (const int count : {1, 16, 40, 100}) {
        std::vector<ItemId> together(static_cast<std::size_t>(count));
        const std::int64_t id = (std::int64_t{5} << 33) + share;
        sampler.draw_all(filter.of(0), id, 9, together);
        for (std::int32_t k = 0; k < count; ++k)
          EXPECT_EQ(together[static_cast<std::size_t>(k)], sampler.draw(rated, id, 9, k));
        rejected += share == 97 ? count : 0;
      }
    }
    EXPECT_GT(rejected, 100);  // most first attempts fail for the user who has rated nearly all
  }
}

}  // namespace
}  // namespace siren
