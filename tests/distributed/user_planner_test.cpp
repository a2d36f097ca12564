// SPDX-License-Identifier: Apache-2.0
// What every rank learns of a batch of users, against the ratings themselves.
#include "distributed/user_planner.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <tuple>

#include <gtest/gtest.h>

#include "support/share.hpp"

namespace siren::test {
namespace {

constexpr std::int64_t kUsers = 41;
constexpr std::int64_t kItems = 23;
constexpr std::int64_t kBatch = 12;

class UserPlannerTest : public ::testing::TestWithParam<std::tuple<const char*, float>> {
 protected:
  /// Item 5 has no train rating, user 7 has no liked one.
  static Ratings ratings() {
    Ratings all = random_ratings(kUsers, kItems, 0.3, 21);
    std::erase_if(all.all, [](const Rating& r) { return r.item == 5; });
    for (Rating& r : all.all)
      if (r.user == 7) r.sign = -1;
    return all;
  }

  RatingWeights weights() const { return {std::get<1>(GetParam()), true}; }
  /// Every user has number = id: those without a term are then visited, too, with nothing.
  std::vector<std::int64_t> numbers() const {
    const auto owned = share_->layout.owned_users();
    return {owned.begin(), owned.end()};
  }

  Communicator comm_ = Communicator::world();
  Ratings ratings_ = ratings();
  std::unique_ptr<Share> share_ =
      make_share(comm_, ratings_, TrainConfig{}, std::get<0>(GetParam()));
  UserSchedule schedule_{numbers(), kUsers, 3, kBatch};
  PhaseClock clock_;
  UserPlanner planner_{comm_, share_->layout, share_->set, weights(), schedule_, clock_};
};

TEST_P(UserPlannerTest, TellsEveryRankTheRatingsOfItsItems) {
  const Layout& layout = share_->layout;
  std::int64_t visited = 0;
  for (std::int64_t step = 1; step <= 2 * schedule_.steps_per_epoch(); ++step) {
    planner_.begin(step);
    for (int i = 0; i < 3; ++i) planner_.progress();
    const UserBatch& batch = planner_.finish();
    EXPECT_EQ(batch.step, step);
    EXPECT_EQ(batch.epoch, step > schedule_.steps_per_epoch() ? 2 : 1);

    // slots: the users of all ranks, in order of rank
    std::vector<UserId> mine;
    for (std::int64_t i = 0; i < batch.first_item; ++i)
      mine.push_back(layout.owned_users()[as_index(batch.needed.row(i))]);
    const std::vector<UserId> slots = comm_.all_gather_v(std::span<const UserId>(mine));
    ASSERT_EQ(std::ssize(slots), batch.slot_count);
    visited += batch.slot_count;

    // needed: own users, then the owned items that have a train rating
    std::vector<ItemId> items;
    for (std::int64_t i = batch.first_item; i < batch.needed.size(); ++i)
      items.push_back(layout.owned_items()[as_index(batch.needed.row(i) - layout.users())]);
    std::vector<ItemId> expected_items;
    for (const ItemId item : layout.owned_items())
      if (item != 5) expected_items.push_back(item);
    EXPECT_EQ(items, expected_items);

    double weight = 0.0;
    std::int64_t count = 0;
    for (std::size_t slot = 0; slot < slots.size(); ++slot) {
      std::map<ItemId, float> expected;
      double total = 0.0;
      for (const Rating& rating : ratings_.all) {
        const float w = weights().of(rating.sign);
        if (rating.user != slots[slot] || w == 0.0F) continue;
        total += double{w};
        ++count;
        if (std::binary_search(items.begin(), items.end(), rating.item)) expected[rating.item] = w;
      }
      weight += total;
      std::map<ItemId, float> got;
      for (std::int64_t e = batch.offsets[slot]; e < batch.offsets[slot + 1]; ++e)
        got[items[as_index(batch.items[as_index(e)])]] = batch.weights[as_index(e)];
      EXPECT_EQ(got, expected) << "user " << slots[slot];
      EXPECT_NEAR(batch.totals[slot], total, 1e-12);
      EXPECT_EQ(batch.own[slot] != 0, std::binary_search(mine.begin(), mine.end(), slots[slot]));
    }
    EXPECT_NEAR(batch.weight, weight, 1e-10);
    EXPECT_EQ(batch.global_count, count);
    EXPECT_EQ(comm_.all_reduce(batch.local_count, Reduction::kSum), count);
  }
  EXPECT_EQ(visited, 2 * kUsers);
}

/// With draws: the items drawn here, with how often, then others that a user of the batch has rated;
/// ratings without a weight are told, too.
TEST_P(UserPlannerTest, TellsWhichItemsStandForTheCatalogue) {
  const Layout& layout = share_->layout;
  const SharedSampler sampler(share_->set.item_degree, 0.5, 9, 30);
  UserPlanner planner(comm_, layout, share_->set, weights(), schedule_, clock_, &sampler);
  for (std::int64_t step = 1; step <= 3; ++step) {
    planner.begin(step);
    const UserBatch& batch = planner.finish();
    std::vector<ItemId> drawn;
    sampler.draw(step, drawn);
    std::map<ItemId, int> times;
    for (const ItemId item : drawn) ++times[item];
    const auto item_at = [&](std::int64_t i) {
      return layout
          .owned_items()[as_index(batch.needed.row(batch.first_item + i) - layout.users())];
    };
    ASSERT_EQ(std::ssize(batch.corrections), batch.summed);
    for (std::int64_t i = 0; i < batch.summed; ++i)
      EXPECT_NEAR(batch.corrections[as_index(i)],
                  std::log(times.at(item_at(i))) - sampler.log_expected(item_at(i)), 1e-12);
    EXPECT_EQ(comm_.all_reduce(batch.summed, Reduction::kSum), std::ssize(times));

    std::vector<UserId> mine;
    for (std::int64_t i = 0; i < batch.first_item; ++i)
      mine.push_back(layout.owned_users()[as_index(batch.needed.row(i))]);
    const std::vector<UserId> slots = comm_.all_gather_v(std::span<const UserId>(mine));
    std::set<ItemId> rated;
    for (std::size_t slot = 0; slot < slots.size(); ++slot) {
      std::map<ItemId, float> expected;
      double total = 0.0;
      for (const Rating& rating : ratings_.all) {
        if (rating.user != slots[slot]) continue;
        total += double{weights().of(rating.sign)};
        if (layout.address_of_item(rating.item).rank == comm_.rank())
          expected[rating.item] = weights().of(rating.sign);
      }
      std::map<ItemId, float> got;
      for (std::int64_t e = batch.offsets[slot]; e < batch.offsets[slot + 1]; ++e)
        got[item_at(batch.items[as_index(e)])] = batch.weights[as_index(e)];
      EXPECT_EQ(got, expected) << "user " << slots[slot];
      EXPECT_NEAR(batch.totals[slot], total, 1e-12);
      for (const auto& [item, weight] : expected) rated.insert(item);
    }
    std::set<ItemId> items;
    for (std::int64_t i = 0; i < batch.needed.size() - batch.first_item; ++i) {
      EXPECT_TRUE(items.insert(item_at(i)).second);
      EXPECT_EQ(i < batch.summed, times.contains(item_at(i)));
      EXPECT_TRUE(i < batch.summed || rated.contains(item_at(i)));
    }
    for (const ItemId item : rated) EXPECT_TRUE(items.contains(item));
  }
}

TEST_P(UserPlannerTest, CompletesAPlanThatNobodyFinishes) {
  planner_.begin(1);
}

INSTANTIATE_TEST_SUITE_P(Partitions, UserPlannerTest,
                         ::testing::Combine(::testing::Values("block", "random", "first"),
                                            ::testing::Values(0.0F, 0.25F)),
                         [](const auto& sample) {
                           return std::string(std::get<0>(sample.param)) +
                                  (std::get<1>(sample.param) > 0 ? "_dislikes" : "_likes");
                         });

}  // namespace
}  // namespace siren::test
