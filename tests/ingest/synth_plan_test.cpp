// SPDX-License-Identifier: Apache-2.0
#include "ingest/synth_plan.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <numeric>
#include <set>
#include <vector>

#include <gmock/gmock.h>

#include "support/temp_folder.hpp"

namespace siren {
namespace {

using test::input_error;
using ::testing::HasSubstr;

SynthConfig sized(std::int64_t users, std::int64_t items, std::int64_t ratings) {
  SynthConfig config;
  config.users = users;
  config.items = items;
  config.ratings = ratings;
  return config;
}

/// From plenty of ratings to too few, more users and more items, uneven communities.
std::vector<SynthConfig> many_sizes() {
  std::vector<SynthConfig> sizes = {
      sized(2000, 1500, 120000),
      sized(37, 91, 700),
      sized(91, 37, 700),
      sized(91, 37, 1683),
      sized(50, 50, 50),
      sized(100, 7, 100),
      sized(7, 100, 100),
      sized(7, 100, 350),
      sized(100, 20, 30),
      sized(20, 100, 30),
      sized(20, 100, 5),
      sized(1, 2, 1),
      sized(3, 3, 4),
      sized(1, 100, 50),
      sized(100, 2, 100),
  };
  sizes[1].communities = 7;
  sizes[3].communities = 1;
  sizes[4].communities = 50;
  return sizes;
}

std::vector<std::int64_t> all_counts(const SynthConfig& config) {
  const SynthPlan plan(config);
  std::vector<std::int64_t> counts;
  for (std::int64_t user = 0; user < config.users; ++user)
    counts.push_back(plan.ratings_at(plan.place_of(user)));
  return counts;
}

std::int64_t sum_of(const std::vector<std::int64_t>& counts) {
  return std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
}

/// Users and items as in a data set of 1,000: id k has 3000 / (k + 3) ratings, at least two.
SynthConfig profiled(SynthConfig config) {
  DegreeHistogram histogram;
  for (std::int64_t k = 0; k < 1000; ++k) histogram.add(std::max<std::int64_t>(2, 3000 / (k + 3)));
  config.user_degrees = histogram.classes();
  config.item_degrees = histogram.classes();
  return config;
}

std::vector<SynthConfig> many_profiles() {
  std::vector<SynthConfig> configs;
  for (const SynthConfig& config : many_sizes()) {
    configs.push_back(profiled(config));
    configs.push_back(configs.back());
    configs.back().user_degrees = {{1.0, 900.0}, {99.0, 1.0}};  // a few who rate nearly everything
    configs.push_back(configs.back());
    configs.back().user_degrees = {{1.0, 3.0}};  // all alike
  }
  return configs;
}

TEST(SynthPlan, CountsAddUpExactly) {
  for (const SynthConfig& config : many_sizes())
    EXPECT_EQ(sum_of(all_counts(config)), config.ratings) << config.users << " x " << config.items;
}

TEST(SynthPlan, CountsFitTheItems) {
  for (const SynthConfig& config : many_sizes()) {
    const std::vector<std::int64_t> counts = all_counts(config);
    const auto [low, high] = std::minmax_element(counts.begin(), counts.end());
    EXPECT_GE(*low, config.ratings >= config.users ? 1 : 0);
    EXPECT_LE(*high, config.items) << config.users << " x " << config.items;
  }
}

TEST(SynthPlan, EveryPlaceHasOneUser) {
  for (const SynthConfig& config : many_sizes()) {
    const SynthPlan plan(config);
    std::set<std::int64_t> seats;
    for (std::int64_t user = 0; user < config.users; ++user) {
      const SynthPlace place = plan.place_of(user);
      EXPECT_LT(place.rank, plan.users_in(place.community));
      seats.insert(place.community + plan.communities() * place.rank);
    }
    EXPECT_EQ(std::ssize(seats), config.users);
  }
}

TEST(SynthPlan, EveryItemIsRequiredOnceOfItsOwnCommunity) {
  for (const SynthConfig& config : many_sizes()) {
    if (config.ratings < std::max(config.users, config.items)) continue;
    const SynthPlan plan(config);
    std::vector<int> required(static_cast<std::size_t>(config.items), 0);
    for (std::int64_t user = 0; user < config.users; ++user) {
      const SynthPlace place = plan.place_of(user);
      const std::vector<ItemId> items = plan.required_items(place);
      EXPECT_LE(std::ssize(items), plan.ratings_at(place));
      for (const ItemId item : items) {
        EXPECT_EQ(item % plan.communities(), place.community);
        ++required[static_cast<std::size_t>(item)];
      }
    }
    EXPECT_THAT(required, ::testing::Each(1)) << config.users << " x " << config.items;
  }
}

TEST(SynthPlan, NothingIsRequiredWhereRatingsAreTooFew) {
  const SynthPlan plan(sized(20, 100, 30));
  for (std::int64_t user = 0; user < 20; ++user)
    EXPECT_TRUE(plan.required_items(plan.place_of(user)).empty());
}

TEST(SynthPlan, ActivityHasAHeavyTail) {
  std::vector<std::int64_t> counts = all_counts(sized(20000, 5000, 1000000));
  std::sort(counts.begin(), counts.end());
  // 1 + 49 w: the density w = 1 / ((x + a) log(1 + 1 / a)) with a = 0.02 is .49 at the median, 2.12
  // at x = .1, and 12.6 on the mean of the first place of each 2,000.
  EXPECT_NEAR(static_cast<double>(counts[10000]), 25.0, 1.0);
  EXPECT_NEAR(static_cast<double>(counts[18000]), 105.0, 1.0);
  EXPECT_NEAR(static_cast<double>(counts[19999]), 616.0, 2.0);
}

TEST(SynthPlan, ActivityFlattensWhereItemsAreFew) {
  const std::vector<std::int64_t> counts = all_counts(sized(300, 100, 15000));
  EXPECT_LE(*std::max_element(counts.begin(), counts.end()), 82);
}

TEST(SynthPlan, CountsOfAProfileAddUpExactlyAndFitTheItems) {
  for (const SynthConfig& config : many_profiles()) {
    const std::vector<std::int64_t> counts = all_counts(config);
    const auto [low, high] = std::minmax_element(counts.begin(), counts.end());
    EXPECT_EQ(sum_of(counts), config.ratings) << config.users << " x " << config.items;
    EXPECT_GE(*low, config.ratings >= config.users ? 1 : 0);
    EXPECT_LE(*high, config.items) << config.users << " x " << config.items;
  }
}

TEST(SynthPlan, EveryItemOfAProfileIsRequiredOnceOfItsOwnCommunity) {
  for (const SynthConfig& config : many_profiles()) {
    if (config.ratings < std::max(config.users, config.items)) continue;
    const SynthPlan plan(config);
    std::vector<int> required(static_cast<std::size_t>(config.items), 0);
    for (std::int64_t user = 0; user < config.users; ++user) {
      const SynthPlace place = plan.place_of(user);
      const std::vector<ItemId> items = plan.required_items(place);
      EXPECT_LE(std::ssize(items), plan.ratings_at(place));
      for (const ItemId item : items) ++required[static_cast<std::size_t>(item)];
    }
    EXPECT_THAT(required, ::testing::Each(1)) << config.users << " x " << config.items;
  }
}

/// Rank for rank against what is wanted. A count is the difference of two rounded numbers, which is
/// off by up to 1; a community may have 2 % too many or too few for its users that are not listed.
void expect_fit(const SynthConfig& config) {
  const SynthPlan plan(config);
  std::vector<std::int64_t> counts = all_counts(config);
  std::sort(counts.begin(), counts.end(), std::greater<>());
  const DegreeCurve curve(plan.wanted_users(), 0.0);
  const auto users = static_cast<double>(config.users);
  for (std::size_t k = 0; k < counts.size(); k += 1 + k / 50) {
    const double wanted = static_cast<double>(config.ratings) *
                          (curve.share_before(static_cast<double>(k + 1) / users) -
                           curve.share_before(static_cast<double>(k) / users));
    EXPECT_NEAR(static_cast<double>(counts[k]), wanted, 1.0 + 0.03 * wanted) << "rank " << k;
  }
}

TEST(SynthPlan, CountsFollowTheProfileAtAnySize) {
  const std::int64_t ratings = sum_of(all_counts(profiled(sized(1000, 1000, 15000))));
  expect_fit(profiled(sized(1000, 2000, ratings)));
  expect_fit(profiled(sized(1000, 5000, 7 * ratings)));
  expect_fit(profiled(sized(20000, 5000, 20 * ratings)));
  expect_fit(profiled(sized(200, 1000, ratings / 5)));
}

TEST(SynthPlan, AProfileAtItsOwnSizeIsMadeAgain) {
  SynthConfig config = profiled(sized(1000, 2000, 1));
  config.ratings = std::llround(1000.0 * mean_degree(config.user_degrees));
  std::vector<std::int64_t> counts = all_counts(config);
  std::sort(counts.begin(), counts.end(), std::greater<>());
  for (std::int64_t k = 0; k < 100; ++k) {
    const std::int64_t degree = 3000 / (k + 3);
    EXPECT_LE(std::abs(counts[static_cast<std::size_t>(k)] - degree), 1 + degree / 100) << k;
  }
}

TEST(SynthPlan, HugeProfilesAreSharedOutOneByOne) {
  const SynthConfig config = profiled(sized(2000000000, 500000000, std::int64_t{1} << 40));
  const SynthPlan plan(config);
  std::int64_t sum = 0;
  for (std::int64_t c = 0; c < plan.communities(); ++c) sum += plan.ratings_in(c);
  EXPECT_EQ(sum, config.ratings);
  EXPECT_GT(plan.ratings_at(plan.place_of(1987654321)), 0);
}

TEST(SynthPlan, TheMostWantedItemCanBeMetByEnoughUsers) {
  SynthConfig config = profiled(sized(1000, 1000, 20000));
  EXPECT_EQ(SynthPlan(sized(1000, 1000, 20000)).interest_count(1), 3);
  config.item_degrees = {{1.0, 40.0}, {99.0, 1.0}};  // 20,000 = 10 x 575.5 + 990 x 14.4
  EXPECT_EQ(SynthPlan(config).interest_count(1), 9) << "1.5 x .5755 of 10 communities";
}

TEST(SynthPlan, HugeSizesNeedNoHugeNumbers) {
  const SynthConfig config = sized(1000000000, 1000000000, std::int64_t{1} << 53);
  const SynthPlan plan(config);
  std::int64_t sum = 0;
  for (std::int64_t c = 0; c < plan.communities(); ++c) sum += plan.ratings_in(c);
  EXPECT_EQ(sum, config.ratings);
  EXPECT_GT(plan.ratings_at(plan.place_of(123456789)), 0);
}

TEST(SynthPlan, RefusesWhatCannotBeMade) {
  EXPECT_THAT(input_error([] { sized(0, 5, 5).validate(); }), HasSubstr("--users"));
  EXPECT_THAT(input_error([] { sized(5, 0, 5).validate(); }), HasSubstr("--items"));
  EXPECT_THAT(input_error([] { sized(5, 5, 0).validate(); }), HasSubstr("--ratings"));
  EXPECT_THAT(input_error([] { sized(5, 5, 13).validate(); }), HasSubstr("at most 12 "));
  EXPECT_NO_THROW(sized(5, 5, 12).validate());
  EXPECT_THAT(input_error([] { sized(1 << 30, 1 << 30, (std::int64_t{1} << 53) + 1).validate(); }),
              HasSubstr("can be made"));
  SynthConfig config = sized(5, 7, 12);
  config.communities = 6;
  EXPECT_THAT(input_error([&] { config.validate(); }), HasSubstr("expected 1 to 5"));
}

}  // namespace
}  // namespace siren
