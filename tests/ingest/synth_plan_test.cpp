// SPDX-License-Identifier: Apache-2.0
#include "ingest/synth_plan.hpp"

#include <algorithm>
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
