// SPDX-License-Identifier: Apache-2.0
#include "ingest/synth.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <numeric>
#include <set>
#include <vector>

#include <gmock/gmock.h>

namespace siren {
namespace {

SynthConfig sized(std::int64_t users, std::int64_t items, std::int64_t ratings) {
  SynthConfig config;
  config.users = users;
  config.items = items;
  config.ratings = ratings;
  config.seed = 7;
  return config;
}

using UserRatings = std::vector<std::vector<SynthRating>>;

UserRatings all_ratings(const SynthConfig& config) {
  const SynthGenerator synth(config);
  UserRatings all;
  for (std::int64_t user = 0; user < config.users; ++user) all.push_back(synth.ratings_of(user));
  return all;
}

std::vector<std::int64_t> item_degrees(const UserRatings& all, std::int64_t items) {
  std::vector<std::int64_t> degree(static_cast<std::size_t>(items), 0);
  for (const auto& ratings : all)
    for (const SynthRating& rating : ratings) ++degree[static_cast<std::size_t>(rating.item)];
  return degree;
}

std::array<double, 5> star_shares(const UserRatings& all) {
  std::array<double, 5> shares{};
  double total = 0.0;
  for (const auto& ratings : all)
    for (const SynthRating& rating : ratings) {
      shares[static_cast<std::size_t>(rating.stars) - 1] += 1.0;
      total += 1.0;
    }
  for (double& share : shares) share /= total;
  return shares;
}

double head_share(std::vector<std::int64_t> degree) {
  std::sort(degree.begin(), degree.end(), std::greater<>());
  const auto head = degree.begin() + std::ssize(degree) / 10;
  return static_cast<double>(std::accumulate(degree.begin(), head, std::int64_t{0})) /
         static_cast<double>(std::accumulate(degree.begin(), degree.end(), std::int64_t{0}));
}

TEST(Synth, CountsAreExactAndNoPairComesTwice) {
  std::vector<SynthConfig> configs = {sized(300, 200, 6000), sized(40, 100, 2000),
                                      sized(100, 9, 450), sized(9, 100, 100), sized(3, 3, 4)};
  configs.push_back(sized(60, 80, 2400));
  configs.back().skew = 8.0;  // chance finds the tail too rarely: the race must
  configs.push_back(sized(60, 80, 2400));
  configs.back().communities = 60;
  for (const SynthConfig& config : configs) {
    std::int64_t total = 0;
    const SynthGenerator synth(config);
    for (std::int64_t user = 0; user < config.users; ++user) {
      const std::vector<SynthRating> ratings = synth.ratings_of(user);
      EXPECT_EQ(std::ssize(ratings), synth.plan().ratings_at(synth.plan().place_of(user)));
      total += std::ssize(ratings);
      for (std::size_t k = 0; k < ratings.size(); ++k) {
        EXPECT_TRUE(k == 0 || ratings[k - 1].item < ratings[k].item) << "user " << user;
        EXPECT_TRUE(ratings[k].item >= 0 && ratings[k].item < config.items);
        EXPECT_TRUE(ratings[k].stars >= 1 && ratings[k].stars <= 5);
      }
    }
    EXPECT_EQ(total, config.ratings);
  }
}

TEST(Synth, EveryItemIsRated) {
  for (const SynthConfig& config : {sized(300, 200, 6000), sized(300, 200, 300), sized(9, 50, 51)})
    EXPECT_THAT(item_degrees(all_ratings(config), config.items), ::testing::Each(::testing::Ge(1)));
}

TEST(Synth, AUserDependsOnSeedAndOptionsOnly) {
  const SynthConfig config = sized(300, 200, 6000);
  const UserRatings all = all_ratings(config);
  const SynthGenerator again(config);
  for (std::int64_t user = config.users - 1; user >= 0; --user)
    EXPECT_EQ(again.ratings_of(user), all[static_cast<std::size_t>(user)]) << user;
  SynthConfig other = config;
  other.seed = 8;
  EXPECT_NE(all_ratings(other), all);
}

TEST(Synth, StarsHaveTheirShares) {
  SynthConfig config = sized(4000, 1000, 200000);
  for (const double disliked : {0.4, 0.1}) {
    config.dislike_share = disliked;
    const std::array<double, 5> shares = star_shares(all_ratings(config));
    // Items of the head weigh much and there are few of them: the shares scatter by some .004.
    const std::array<double, 5> expected = {.13 * disliked, .25 * disliked, .62 * disliked,
                                            .61 * (1.0 - disliked), .39 * (1.0 - disliked)};
    for (std::size_t k = 0; k < shares.size(); ++k) EXPECT_NEAR(shares[k], expected[k], 0.012) << k;
  }
}

TEST(Synth, DislikesMayBeNoneOrAll) {
  SynthConfig config = sized(300, 200, 6000);
  config.dislike_share = 0.0;
  std::array<double, 5> shares = star_shares(all_ratings(config));
  EXPECT_EQ(shares[0] + shares[1] + shares[2], 0.0);
  config.dislike_share = 1.0;
  shares = star_shares(all_ratings(config));
  EXPECT_EQ(shares[3] + shares[4], 0.0);
}

TEST(Synth, SkewConcentratesRatingsOnTheHead) {
  SynthConfig config = sized(4000, 2000, 80000);
  std::vector<double> shares;
  for (const double skew : {0.0, 0.5, 1.0, 1.5}) {
    config.skew = skew;
    shares.push_back(head_share(item_degrees(all_ratings(config), config.items)));
  }
  EXPECT_LT(shares[0], 0.15);  // 0.1 and the scatter of 40 ratings an item
  EXPECT_GT(shares[2], 0.4);
  EXPECT_TRUE(std::is_sorted(shares.begin(), shares.end()));
}

/// Degrees 6000 / (k + 4) of 1,000 users and 3000 / (k + 2) of 2,000 items, at least `least`.
SynthConfig profiled(SynthConfig config, std::int64_t least) {
  DegreeHistogram users;
  for (std::int64_t k = 0; k < 1000; ++k) users.add(std::max(least, 6000 / (k + 4)));
  config.user_degrees = users.classes();
  DegreeHistogram items;
  for (std::int64_t k = 0; k < 2000; ++k) items.add(std::max(least, 3000 / (k + 2)));
  config.item_degrees = items.classes();
  return config;
}

TEST(Synth, CountsOfAProfileAreExactAndEveryItemIsRated) {
  for (const SynthConfig& config :
       {profiled(sized(300, 200, 6000), 1), profiled(sized(40, 100, 2000), 1),
        profiled(sized(9, 100, 100), 1), profiled(sized(3, 3, 4), 1),
        profiled(sized(5000, 3000, 60000), 5)}) {
    const UserRatings all = all_ratings(config);
    std::int64_t total = 0;
    for (const auto& ratings : all) {
      total += std::ssize(ratings);
      EXPECT_EQ(std::adjacent_find(
                    ratings.begin(), ratings.end(),
                    [](const SynthRating& a, const SynthRating& b) { return a.item >= b.item; }),
                ratings.end());
    }
    EXPECT_EQ(total, config.ratings);
    EXPECT_THAT(item_degrees(all, config.items), ::testing::Each(::testing::Ge(1)));
  }
}

/// The degree of an item is a sum of chances, one a user: its standard deviation is at most the root
/// of what is wanted. Means over some ranks scatter by less; but sorting draws the ends apart, where
/// all are wanted alike.
void expect_item_fit(const SynthConfig& config) {
  std::vector<std::int64_t> degree = item_degrees(all_ratings(config), config.items);
  std::sort(degree.begin(), degree.end(), std::greater<>());
  const SynthPlan plan(config);
  std::int64_t begin = 0;
  while (begin < config.items) {
    const std::int64_t end = std::min(config.items, begin + 1 + begin / 4);
    const double made = static_cast<double>(std::accumulate(
                            degree.begin() + begin, degree.begin() + end, std::int64_t{0})) /
                        static_cast<double>(end - begin);
    const double wanted = plan.wanted_of_items(begin, end);
    EXPECT_NEAR(made, wanted, 2.0 * std::sqrt(wanted) + 0.02 * wanted) << begin << " to " << end;
    begin = end;
  }
  const std::int64_t head = config.items / 10;
  const double wanted_share = plan.wanted_of_items(0, head) * static_cast<double>(head) /
                              static_cast<double>(config.ratings);
  EXPECT_NEAR(head_share(degree), wanted_share, 0.015);
}

TEST(Synth, ItemDegreesFollowTheProfile) {
  expect_item_fit(profiled(sized(1000, 2000, 30000), 1));
  expect_item_fit(profiled(sized(1000, 500, 60000), 1));  // the most popular: of 70 % of the users
  expect_item_fit(profiled(sized(8000, 4000, 200000), 5));
  SynthConfig config = profiled(sized(2000, 1000, 60000), 1);
  for (const std::int64_t communities : {1, 2, 25}) {
    config.communities = communities;
    expect_item_fit(config);
  }
}

TEST(Synth, SkewIsTheLawOfItemsWithoutTheirDegrees) {
  SynthConfig config = profiled(sized(1000, 2000, 30000), 1);
  config.item_degrees.clear();
  config.skew = 0.0;
  EXPECT_LT(head_share(item_degrees(all_ratings(config), config.items)), 0.2);
}

TEST(Synth, AUserOfAProfileDependsOnSeedAndOptionsOnly) {
  const SynthConfig config = profiled(sized(300, 200, 6000), 1);
  const UserRatings all = all_ratings(config);
  const SynthGenerator again(config);
  for (std::int64_t user = config.users - 1; user >= 0; --user)
    EXPECT_EQ(again.ratings_of(user), all[static_cast<std::size_t>(user)]) << user;
}

/// Of a user's liked and of its disliked items, the share that lies in the user's own community:
/// that whose users rate the item most.
std::array<double, 2> own_shares(const SynthGenerator& synth, const UserRatings& all) {
  constexpr std::size_t kCommunities = 5;
  const auto community_of = [&](std::size_t user) {
    return synth.plan().place_of(static_cast<std::int64_t>(user)).community;
  };
  std::map<ItemId, std::array<std::int64_t, kCommunities>> raters;
  for (std::size_t user = 0; user < all.size(); ++user)
    for (const SynthRating& rating : all[user])
      ++raters[rating.item][static_cast<std::size_t>(community_of(user))];
  std::array<double, 2> own{};
  std::array<double, 2> count{};
  for (std::size_t user = 0; user < all.size(); ++user)
    for (const SynthRating& rating : all[user]) {
      const auto& by_community = raters[rating.item];
      const auto home = std::max_element(by_community.begin(), by_community.end());
      const std::size_t liked = rating.stars > 3 ? 1 : 0;
      count[liked] += 1.0;
      own[liked] += home - by_community.begin() == community_of(user) ? 1.0 : 0.0;
    }
  return {own[0] / count[0], own[1] / count[1]};
}

TEST(Synth, LikesAndDislikesComeFromTheSameInterests) {
  SynthConfig config = sized(2000, 500, 20000);
  config.communities = 5;
  const SynthGenerator synth(config);
  const auto [disliked, liked] = own_shares(synth, all_ratings(config));
  EXPECT_GT(liked,
            0.4);  // one half, less where the busiest have met most of their own; chance: 0.2
  EXPECT_NEAR(disliked, liked, 0.03);  // 8,000 draws scatter by .006
}

/// How often two users who agree on one item agree on another, against those who do not.
double agreement(const UserRatings& all) {
  std::array<std::int64_t, 2> pairs{};
  std::array<std::int64_t, 2> agree{};
  for (std::size_t u = 0; u < all.size(); ++u)
    for (std::size_t v = u + 1; v < all.size(); ++v) {
      std::vector<bool> same;
      for (auto a = all[u].begin(), b = all[v].begin(); a != all[u].end() && b != all[v].end();) {
        if (a->item == b->item) same.push_back((a->stars > 3) == (b->stars > 3));
        const bool first = a->item <= b->item;
        const bool second = b->item <= a->item;
        if (first) ++a;
        if (second) ++b;
      }
      for (std::size_t k = 0; k + 1 < same.size(); k += 2) {
        ++pairs[same[k] ? 1 : 0];
        agree[same[k] ? 1 : 0] += same[k + 1] ? 1 : 0;
      }
    }
  const auto share = [&](std::size_t k) {
    return static_cast<double>(agree[k]) / static_cast<double>(pairs[k]);
  };
  return share(1) - share(0);
}

TEST(Synth, TastesCarryOverFromItemToItemUnlessThereIsOnlyNoise) {
  SynthConfig config = sized(300, 200, 12000);
  EXPECT_GT(agreement(all_ratings(config)), 0.03);
  config.noise = 100.0;
  EXPECT_LT(std::abs(agreement(all_ratings(config))), 0.01);
}

}  // namespace
}  // namespace siren
