// SPDX-License-Identifier: Apache-2.0
// Lists against sorting all scores in double; scores of the twin differ by rounding only.
#include "ranking/ranked_lists.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

#include "support/rating_world.hpp"

namespace siren {
namespace {

using test::partitions_of;
using test::RatingWorld;

constexpr std::int64_t kTop = 12;

/// Likes by item, over all ranks: rating_world's training_of() leaves them to its users.
std::vector<std::int32_t> likes_of(const RatingWorld& world) {
  std::vector<std::int32_t> likes(static_cast<std::size_t>(world.items()), 0);
  for (const RatingWorld::SignOfItem& ratings : world.train)
    for (const auto& [item, sign] : ratings) likes[static_cast<std::size_t>(item)] += sign > 0;
  return likes;
}

/// One more item a user, where it has not rated it: its validation part.
ItemId validated(UserId user, const RatingWorld& world) {
  return (user * 7 + 3) % world.items();
}

HeldOutRatings validation_of(const RatingWorld& world, const Layout& layout) {
  HeldOutRatings set;
  for (const UserId user : layout.owned_users()) {
    const ItemId item = validated(user, world);
    if (!world.train[static_cast<std::size_t>(user)].contains(item)) {
      set.items.push_back(item);
      set.relevant.push_back(0);
      set.disliked.push_back(1);
    }
    set.offsets.push_back(std::ssize(set.items));
  }
  return set;
}

LoadedData data_of(const RatingWorld& world, const Layout& layout) {
  LoadedData data{layout, world.training_of(layout), validation_of(world, layout),
                  world.held_out_of(layout)};
  data.train.item_likes = likes_of(world);
  return data;
}

struct Scene {
  Scene(const RatingWorld& of, const Partition& partition, const Communicator& comm)
      : world(of),
        data(data_of(of, Layout(partition, comm.rank(), comm.size(), world.user_table.columns()))),
        layout(data.layout),
        z{world.users_of(layout), world.items_of(layout)} {
    options.top = kTop;
    options.roles.assign(static_cast<std::size_t>(world.items()), ItemRole::kCandidate);
    for (std::size_t i = 0; i < options.roles.size(); i += 7) options.roles[i] = ItemRole::kAbsent;
  }
  std::vector<LocalRow> rows(std::int64_t count) const {
    std::vector<LocalRow> all;
    for (LocalRow r = 0; r < count; ++r)
      if (r % 3 != 1) all.push_back(r);
    return all;
  }

  const RatingWorld& world;
  LoadedData data;
  const Layout& layout;
  NodeTables z;
  ListOptions options;
};

double dot(const Matrix<float>& a, std::int64_t r, const Matrix<float>& b, std::int64_t s) {
  double sum = 0.0;
  for (std::int64_t c = 0; c < a.columns(); ++c)
    sum += static_cast<double>(a(r, c)) * static_cast<double>(b(s, c));
  return sum;
}

using Score = std::function<double(ItemId)>;

/// Best first; `allowed` decides besides the roles.
void expect_list(const RankedLists& lists, std::size_t k, const Scene& scene,
                 const std::function<bool(ItemId)>& allowed, const Score& score) {
  std::vector<ItemId> want;
  for (ItemId item = 0; item < scene.world.items(); ++item)
    if (scene.options.roles[static_cast<std::size_t>(item)] == ItemRole::kCandidate &&
        allowed(item))
      want.push_back(item);
  std::stable_sort(want.begin(), want.end(),
                   [&](ItemId a, ItemId b) { return score(a) > score(b); });
  if (std::ssize(want) > kTop) want.resize(kTop);
  ASSERT_EQ(lists.offsets[k + 1] - lists.offsets[k], std::ssize(want)) << lists.query[k];
  for (std::size_t place = 0; place < want.size(); ++place) {
    const ScoredItem& entry = lists.entries[static_cast<std::size_t>(lists.offsets[k]) + place];
    EXPECT_EQ(entry.item, want[place]) << "query " << lists.query[k] << " place " << place;
    EXPECT_NEAR(static_cast<double>(entry.score), score(want[place]), 1e-5);  // 20 fp32 products
  }
}

class RankedListsTest : public testing::Test {
 protected:
  RankedListsTest() {
    for (auto& [item, sign] : world_.train[7]) sign = -1;  // a cold user
    world_.train[9].clear();                               // another
  }
  void expect_recommendations(Hide hide, double penalty) {
    const std::vector<std::int32_t> likes = likes_of(world_);
    for (const Partition& partition : partitions_of(world_, comm_.size())) {
      Scene scene(world_, partition, comm_);
      scene.options.hide = hide;
      scene.options.popularity_penalty = penalty;
      const RankedLists lists =
          recommend(comm_, {scene.data, scene.z}, scene.rows(scene.layout.users()), scene.options,
                    best_isa());
      ASSERT_EQ(lists.query.size(), scene.rows(scene.layout.users()).size());
      for (std::size_t k = 0; k < lists.query.size(); ++k) {
        const UserId user = lists.query[k];
        const RatingWorld::SignOfItem& rated = world_.train[static_cast<std::size_t>(user)];
        const bool cold =
            std::none_of(rated.begin(), rated.end(), [](const auto& r) { return r.second > 0; });
        EXPECT_EQ(lists.popular[k] != 0, cold) << "user " << user;
        expect_list(
            lists, k, scene,
            [&](ItemId item) {
              const bool held_out = item == validated(user, world_) ||
                                    world_.held_out[static_cast<std::size_t>(user)].contains(item);
              return hide == Hide::kNone ||
                     (!rated.contains(item) && (hide == Hide::kTrain || !held_out));
            },
            [&](ItemId item) {
              const double liked = likes[static_cast<std::size_t>(item)];
              return cold ? liked
                          : dot(world_.user_table, user, world_.item_table, item) -
                                penalty * std::log1p(liked);
            });
      }
    }
  }

  Communicator comm_ = Communicator::world();
  RatingWorld world_{{}, 11};
};

TEST_F(RankedListsTest, HideWhatTheUserHasRatedAnywhere) {
  expect_recommendations(Hide::kAll, 0.0);
}

TEST_F(RankedListsTest, HideTrainRatingsOnlyIfAsked) {
  expect_recommendations(Hide::kTrain, 0.0);
}

TEST_F(RankedListsTest, HoldSeenItemsIfAsked) {
  expect_recommendations(Hide::kNone, 0.0);
}

TEST_F(RankedListsTest, HideByDefaultAllThatIsRated) {
  EXPECT_EQ(ListOptions().hide, Hide::kAll);
  for (const Hide hide : {Hide::kAll, Hide::kTrain, Hide::kNone})
    EXPECT_EQ(value_named<Hide>(name_of(hide)), hide);
  EXPECT_FALSE(value_named<Hide>("some"));
}

/// Likes of cold users' lists are small whole numbers: many are equal.
TEST_F(RankedListsTest, CountTies) {
  Scene scene(world_, partitions_of(world_, comm_.size())[0], comm_);
  const std::vector<LocalRow> users = scene.rows(scene.layout.users());
  const RankedLists lists =
      recommend(comm_, {scene.data, scene.z}, users, scene.options, best_isa());
  EXPECT_EQ(lists.ties.lists, std::ssize(users));
  EXPECT_EQ(lists.ties.tied, std::count(lists.popular.begin(), lists.popular.end(), 1));
}

TEST_F(RankedListsTest, TakePopularityOffTheScores) {
  expect_recommendations(Hide::kAll, 1.5);
}

TEST_F(RankedListsTest, HoldSimilarItemsButNotTheItemItself) {
  for (const Partition& partition : partitions_of(world_, comm_.size())) {
    const Scene scene(world_, partition, comm_);
    const Matrix<float>& z = world_.item_table;
    const RankedLists lists = similar_items(
        comm_, {scene.data, scene.z}, scene.rows(scene.layout.items()), scene.options, best_isa());
    ASSERT_EQ(lists.query.size(), scene.rows(scene.layout.items()).size());
    for (std::size_t k = 0; k < lists.query.size(); ++k) {
      const ItemId query = lists.query[k];
      expect_list(
          lists, k, scene, [&](ItemId item) { return item != query; },
          [&](ItemId item) {
            return dot(z, query, z, item) /
                   std::sqrt(dot(z, query, z, query) * dot(z, item, z, item));
          });
    }
  }
}

TEST_F(RankedListsTest, NobodyAskingIsFine) {
  const Scene scene(world_, partitions_of(world_, comm_.size())[0], comm_);
  const RankedLists lists = recommend(comm_, {scene.data, scene.z}, {}, scene.options, best_isa());
  EXPECT_TRUE(lists.query.empty() && lists.entries.empty());
  EXPECT_EQ(lists.offsets.size(), 1U);
}

}  // namespace
}  // namespace siren
