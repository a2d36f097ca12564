// SPDX-License-Identifier: Apache-2.0
#include "model/dropout.hpp"

#include <bit>
#include <cmath>
#include <numeric>

#include <gtest/gtest.h>

#include "core/rng.hpp"

namespace siren {
namespace {

constexpr double kRates[] = {0.1, 0.25, 0.5, 0.9};

/// The mask of a row, digit by digit from the scalar generator.
std::vector<std::uint64_t> mask_of_row(std::uint32_t seed, double rate, std::uint32_t site,
                                       std::uint32_t step, NodeId node, std::uint32_t words) {
  const auto keep = static_cast<std::uint32_t>(std::lround((1.0 - rate) * 0x1p16));
  std::vector<std::uint64_t> mask(words, 0);
  for (std::uint32_t column = 0; column < 64 * words; ++column) {
    std::uint32_t u = 0;  // sixteen binary digits
    for (std::uint32_t digit = 1; digit <= 16; ++digit) {
      const RandomBlock bits = random_block(
          seed, Purpose::kDropout,
          {low_word(node), high_word(node) + (site << 24), step, (column / 128) << 8 | digit});
      u = u << 1 | (bits[column % 128 / 32] >> column % 32 & 1U);
    }
    if (u < keep) mask[column / 64] |= std::uint64_t{1} << column % 64;
  }
  return mask;
}

std::vector<NodeId> first_nodes(std::int64_t count) {
  std::vector<NodeId> nodes(static_cast<std::size_t>(count));
  std::iota(nodes.begin(), nodes.end(), 0);
  return nodes;
}

std::vector<std::uint64_t> mask(const Dropout& dropout, std::uint32_t site, std::uint32_t step,
                                const std::vector<NodeId>& nodes, std::int64_t words_per_row) {
  std::vector<std::uint64_t> words(nodes.size() * static_cast<std::size_t>(words_per_row),
                                   0x5555555555555555U);
  dropout.fill(site, step, nodes, words_per_row, words.data());
  return words;
}

double ones(const std::vector<std::uint64_t>& words) {
  std::int64_t count = 0;
  for (const std::uint64_t word : words) count += std::popcount(word);
  return static_cast<double>(count);
}

TEST(Dropout, KeepsWithTheProbabilityThatItScalesBy) {
  for (const double rate : kRates) {
    const Dropout dropout(1, rate);
    EXPECT_TRUE(dropout.active());
    const double keep = 1.0 / dropout.scale();
    EXPECT_NEAR(keep, 1.0 - rate, 0x1p-17) << "rounded to 2^-16";
    const auto words = mask(dropout, 0, 1, first_nodes(5000), 4);
    const double bits = 64.0 * static_cast<double>(words.size());
    EXPECT_NEAR(ones(words) / bits, keep, 5 * std::sqrt(keep * (1 - keep) / bits))
        << "rate " << rate;  // five deviations
  }
}

TEST(Dropout, ColumnsRowsAndWordsAreIndependent) {
  for (const double rate : kRates) {
    const Dropout dropout(2, rate);
    const double keep = 1.0 / dropout.scale();
    constexpr std::int64_t kRows = 5000;
    constexpr std::size_t kWords = 6;
    const auto words = mask(dropout, 0, 1, first_nodes(kRows), kWords);
    const auto expect_independent = [&](const char* what, const auto& other) {
      std::vector<std::uint64_t> both;
      for (std::size_t row = 0; row + 1 < kRows; ++row)
        for (std::size_t w = 0; w < kWords - 2; ++w)
          both.push_back(words[kWords * row + w] & other(row, w));
      const double bits = 64.0 * static_cast<double>(both.size());
      EXPECT_NEAR(ones(both) / bits, keep * keep, 5 * std::sqrt(keep / bits))
          << what << ", rate " << rate;
    };
    expect_independent("next column", [&](std::size_t row, std::size_t w) {
      return std::rotl(words[kWords * row + w], 1);
    });
    expect_independent("next word",
                       [&](std::size_t row, std::size_t w) { return words[kWords * row + w + 1]; });
    expect_independent("next block of 128 columns",
                       [&](std::size_t row, std::size_t w) { return words[kWords * row + w + 2]; });
    expect_independent(
        "next row", [&](std::size_t row, std::size_t w) { return words[kWords * (row + 1) + w]; });
    for (const auto& [site, step] : {std::array{1U, 1U}, std::array{kAttentionLikedSite, 1U},
                                     std::array{kAttentionDislikedSite, 1U}, std::array{0U, 2U}}) {
      const auto elsewhere = mask(dropout, site, step, first_nodes(kRows), kWords);
      expect_independent("another site or step", [&](std::size_t row, std::size_t w) {
        return elsewhere[kWords * row + w];
      });
    }
  }
}

TEST(Dropout, ARowDependsOnItsNodeAlone) {
  for (const double rate : kRates) {
    const Dropout dropout(3, rate);
    const std::vector<NodeId> nodes = {5, 0, 17, (NodeId{1} << 33) + 5, 2};
    for (const std::int64_t words_per_row : {1, 2, 3, 5}) {
      const auto together = mask(dropout, 1, 9, nodes, words_per_row);
      for (std::size_t i = 0; i < nodes.size(); ++i) {
        const auto alone = mask(dropout, 1, 9, {nodes[i]}, words_per_row);
        const auto begin = together.begin() + static_cast<std::ptrdiff_t>(i) * words_per_row;
        EXPECT_EQ(alone, std::vector<std::uint64_t>(begin, begin + words_per_row))
            << "node " << nodes[i];
      }
      EXPECT_NE(mask(dropout, 1, 9, {5}, words_per_row),
                mask(dropout, 1, 9, {(NodeId{1} << 33) + 5}, words_per_row));
    }
    // a column's bit does not depend on how wide the row is
    EXPECT_EQ(mask(dropout, 1, 9, {5}, 1)[0], mask(dropout, 1, 9, {5}, 6)[0]);
  }
}

TEST(Dropout, IsTheComparisonOfItsDigits) {
  std::vector<NodeId> nodes = first_nodes(70);
  for (NodeId& node : nodes) node += (NodeId{1} << 32) - 30;
  for (const double rate : kRates)
    for (const std::uint32_t words : {1U, 2U, 3U}) {
      const auto all = mask(Dropout(4, rate), kAttentionLikedSite, 9, nodes, words);
      for (std::size_t i = 0; i < nodes.size(); ++i) {
        const auto begin = all.begin() + static_cast<std::ptrdiff_t>(i * words);
        EXPECT_EQ(std::vector<std::uint64_t>(begin, begin + words),
                  mask_of_row(4, rate, kAttentionLikedSite, 9, nodes[i], words))
            << "node " << nodes[i] << " rate " << rate;
      }
    }
}

TEST(Dropout, SeedsDiffer) {
  EXPECT_NE(mask(Dropout(1, 0.5), 0, 1, {0}, 2), mask(Dropout(2, 0.5), 0, 1, {0}, 2));
}

TEST(Dropout, RateZeroKeepsEverything) {
  const Dropout dropout(1, 0.0);
  EXPECT_FALSE(dropout.active());
  EXPECT_EQ(dropout.scale(), 1.0);
  for (const std::uint64_t word : mask(dropout, 0, 1, first_nodes(10), 3))
    EXPECT_EQ(word, ~std::uint64_t{0});
}

}  // namespace
}  // namespace siren
