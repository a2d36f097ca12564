// SPDX-License-Identifier: Apache-2.0
#include "data/dislike_sampler.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include <gtest/gtest.h>

#include "core/rng.hpp"

namespace siren {
namespace {

/// User 0: dislikes among others. User 1: no dislikes. User 2: nothing. User 3: one dislike.
UserRatings ratings() {
  UserRatings all;
  all.offsets = {0, 9, 11, 11, 13};
  all.items = {2, 3, 5, 8, 13, 21, 34, 55, 89, 2, 3, 5, 7};
  all.signs = {-1, 1, -1, 0, -1, -1, 1, -1, -1, 1, 0, 1, -1};
  return all;
}
const std::vector<ItemId> kDisliked = {2, 5, 13, 21, 55, 89};  // of user 0

std::vector<ItemId> draws(std::uint32_t seed, std::int64_t id, std::int32_t epoch, int count) {
  std::vector<ItemId> out(static_cast<std::size_t>(count));
  DislikeSampler(ratings(), count, seed).draw(0, id, epoch, out);
  return out;
}

TEST(DislikeSampler, LikedRatingsOfUsersWithDislikesHavePairs) {
  const DislikeSampler sampler(ratings(), 4, 1);
  for (const auto& [user, pairs] : std::map<LocalRow, int>{{0, 4}, {1, 0}, {2, 0}, {3, 4}}) {
    EXPECT_EQ(sampler.pairs_of(user, 1), pairs) << user;
    EXPECT_EQ(sampler.pairs_of(user, -1), 0) << user;
  }
  std::vector<ItemId> out(4);
  sampler.draw(3, 5, 1, out);
  EXPECT_EQ(out, std::vector<ItemId>(4, 7)) << "with replacement";
  EXPECT_EQ(DislikeSampler(ratings(), 0, 1).pairs_of(0, 1), 0);
}

TEST(DislikeSampler, DrawsEachDislikedItemOfTheUserAlikeAndNoOther) {
  constexpr int kRatings = 4000;
  constexpr int kDraws = 5;
  const DislikeSampler sampler(ratings(), kDraws, 17);
  std::map<ItemId, int> all;
  std::vector<std::map<ItemId, int>> of_draw(kDraws);
  std::vector<ItemId> out(kDraws);
  for (int n = 0; n < kRatings; ++n) {
    sampler.draw(0, 1000 + n / 4, 1 + n % 4, out);
    for (std::size_t k = 0; k < kDraws; ++k) ++all[out[k]], ++of_draw[k][out[k]];
  }
  // Five standard deviations of a count: all of them are within with probability 1 - 2e-5.
  const auto expect_alike = [](const std::map<ItemId, int>& counts, int draws) {
    ASSERT_EQ(counts.size(), kDisliked.size());
    const double share = 1.0 / static_cast<double>(kDisliked.size());
    for (const ItemId item : kDisliked) {
      ASSERT_TRUE(counts.contains(item)) << item;
      EXPECT_NEAR(counts.at(item), draws * share, 5 * std::sqrt(draws * share * (1 - share)))
          << item;
    }
  };
  expect_alike(all, kRatings * kDraws);
  for (const auto& counts : of_draw) expect_alike(counts, kRatings);
}

TEST(DislikeSampler, IsAFunctionOfSeedRatingEpochAndDraw) {
  const std::vector<ItemId> first = draws(1, 99, 2, 40);
  EXPECT_EQ(first, draws(1, 99, 2, 40));
  EXPECT_NE(first, draws(2, 99, 2, 40));
  EXPECT_NE(first, draws(1, 98, 2, 40));
  EXPECT_NE(first, draws(1, 99 + (std::int64_t{1} << 32), 2, 40));
  EXPECT_NE(first, draws(1, 99, 3, 40));
  const std::vector<ItemId> fewer = draws(1, 99, 2, 7);
  EXPECT_TRUE(std::equal(fewer.begin(), fewer.end(), first.begin())) << "M changes draws below it";
}

/// The header's scheme, by long multiplication of the place.
TEST(DislikeSampler, HasTheCountersThatItsHeaderStates) {
  const std::int64_t id = (std::int64_t{5} << 32) + 77;
  const std::vector<ItemId> drawn = draws(3, id, 6, 9);
  for (std::uint32_t k = 0; k < 9; ++k) {
    const RandomBlock bits = random_block(3, Purpose::kDislikePair, {77, 5, 6, k / 2});
    const long double unit = (static_cast<long double>(bits[k % 2 * 2 + 1]) * 0x1p32L +
                              static_cast<long double>(bits[k % 2 * 2])) *
                             0x1p-64L;
    const auto place = static_cast<std::size_t>(unit * static_cast<long double>(kDisliked.size()));
    EXPECT_EQ(drawn[k], kDisliked[place]) << k;
  }
}

}  // namespace
}  // namespace siren
