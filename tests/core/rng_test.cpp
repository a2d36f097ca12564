// SPDX-License-Identifier: Apache-2.0
#include "core/rng.hpp"

#include <cmath>
#include <set>

#include <gtest/gtest.h>

namespace siren {
namespace {

Purpose purpose(std::uint32_t word) {
  return static_cast<Purpose>(word);
}

// The known answers published with the generator (philox4x32, 10 rounds).
TEST(RandomBlock, IsPhilox4x32With10Rounds) {
  EXPECT_EQ(random_block(0, purpose(0), {0, 0, 0, 0}),
            (RandomBlock{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(random_block(0xffffffff, purpose(0xffffffff),
                         {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}),
            (RandomBlock{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(random_block(0xa4093822, purpose(0x299f31d0),
                         {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}),
            (RandomBlock{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(RandomBlock, DiffersWithEverySeedPurposeAndCounterWord) {
  std::set<RandomBlock> blocks;
  std::size_t expected = 0;
  for (std::uint32_t seed = 0; seed < 3; ++seed)
    for (std::uint32_t which = 1; which <= 10; ++which)
      for (std::uint32_t word = 0; word < 4; ++word)
        for (const std::uint32_t value : {1U, 2U, 0x80000000U}) {
          RandomBlock counter{};
          counter[word] = value;
          blocks.insert(random_block(seed, purpose(which), counter));
          ++expected;
        }
  EXPECT_EQ(blocks.size(), expected);
}

TEST(Words, SplitAnId) {
  const std::int64_t id = 0x0123456789abcdef;
  EXPECT_EQ(low_word(id), 0x89abcdefU);
  EXPECT_EQ(high_word(id), 0x01234567U);
}

TEST(OpenUnit, LiesStrictlyBetweenZeroAndOne) {
  EXPECT_EQ(open_unit(0), 0x1p-33);
  EXPECT_EQ(open_unit(0xffffffff), 1.0 - 0x1p-33);
  EXPECT_EQ(open_unit(0x80000000), 0.5 + 0x1p-33);
}

TEST(ScaleTo, CoversExactlyTheRange) {
  for (const std::uint64_t n :
       {std::uint64_t{1}, std::uint64_t{2}, std::uint64_t{10}, std::uint64_t{1} << 40}) {
    EXPECT_EQ(scale_to(0, 0, n), 0U) << n;
    EXPECT_EQ(scale_to(0xffffffff, 0xffffffff, n), n - 1) << n;
  }
  EXPECT_EQ(scale_to(0xdeadbeef, 0x12345678, std::uint64_t{1} << 32), 0x12345678U);
  EXPECT_EQ(scale_to(0xdeadbeef, 0x12345678, 16), 1U);
}

// floor(x n / 2^64) = floor((hi n + floor(lo n / 2^32)) / 2^32), which fits 64 bits for n < 2^32.
TEST(ScaleTo, IsTheHighHalfOfTheProduct) {
  for (std::uint32_t i = 0; i < 1000; ++i) {
    const RandomBlock x = random_block(7, Purpose::kSynth, {i, 0, 0, 0});
    const std::uint64_t n = x[2] >> (i % 32) | 1U;
    const std::uint64_t want = (x[1] * n + (x[0] * n >> 32)) >> 32;
    ASSERT_EQ(scale_to(x[0], x[1], n), want) << n;
    ASSERT_LT(scale_to(x[0], x[1], n), n);
  }
}

TEST(Normal4, IsBoxMullerWithTheCosineFirst) {
  const RandomBlock bits = {0x20000000, 0x15555555, 0x7fffffff, 0xc0000000};
  const std::array<double, 4> z = normal4(bits);
  for (std::size_t pair = 0; pair < 2; ++pair) {
    const double u = open_unit(bits[2 * pair]);
    const double angle = 2.0 * std::acos(-1.0) * open_unit(bits[2 * pair + 1]);
    // the angle is at most 2 pi, so its rounding moves a value by some 1e-15
    EXPECT_NEAR(z[2 * pair], std::sqrt(-2.0 * std::log(u)) * std::cos(angle), 1e-14);
    EXPECT_NEAR(z[2 * pair + 1], std::sqrt(-2.0 * std::log(u)) * std::sin(angle), 1e-14);
  }
}

TEST(Normal4, IsFiniteAtTheEndsOfTheRange) {
  for (const std::uint32_t word : {0U, 0xffffffffU})
    for (const double z : normal4({word, word, word, word})) EXPECT_TRUE(std::isfinite(z)) << word;
}

// Each bound is five standard deviations of the estimate over n values: the variance of z^2 is 2,
// of z^3 15, of z^4 96, of a product of two independent values 1.
TEST(Normal4, HasTheMomentsOfIndependentStandardNormals) {
  constexpr std::uint32_t kBlocks = 200000;
  double m1 = 0, m2 = 0, m3 = 0, m4 = 0;
  double products[4][4] = {};
  for (std::uint32_t i = 0; i < kBlocks; ++i) {
    const std::array<double, 4> z = normal4(random_block(3, Purpose::kInitLiked, {i, 0, 0, 0}));
    for (std::size_t a = 0; a < 4; ++a) {
      m1 += z[a];
      m2 += z[a] * z[a];
      m3 += z[a] * z[a] * z[a];
      m4 += z[a] * z[a] * z[a] * z[a];
      for (std::size_t b = 0; b < a; ++b) products[a][b] += z[a] * z[b];
    }
  }
  const double n = 4.0 * kBlocks;
  EXPECT_NEAR(m1 / n, 0.0, 5 * std::sqrt(1 / n));
  EXPECT_NEAR(m2 / n, 1.0, 5 * std::sqrt(2 / n));
  EXPECT_NEAR(m3 / n, 0.0, 5 * std::sqrt(15 / n));
  EXPECT_NEAR(m4 / n, 3.0, 5 * std::sqrt(96 / n));
  for (int a = 0; a < 4; ++a)
    for (int b = 0; b < a; ++b)
      EXPECT_NEAR(products[a][b] / kBlocks, 0.0, 5 / std::sqrt(kBlocks)) << a << " " << b;
}

}  // namespace
}  // namespace siren
