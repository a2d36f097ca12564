// SPDX-License-Identifier: Apache-2.0
#include "ranking/candidates.hpp"

#include <set>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "siren/error.hpp"

namespace siren {
namespace {

using testing::ElementsAre;

constexpr ItemRole kAbsent = ItemRole::kAbsent;
constexpr ItemRole kScored = ItemRole::kScored;
constexpr ItemRole kCandidate = ItemRole::kCandidate;

TEST(ItemRoles, OfSeenTestedAndUnknownItems) {
  const std::vector<std::int32_t> degree = {3, 0, 0, 1};
  const std::vector<std::int32_t> held_out = {0, 1, 0, 1};
  EXPECT_THAT(item_roles(Candidates::kTrainAndTest, degree, held_out),
              ElementsAre(kCandidate, kCandidate, kAbsent, kCandidate));
  EXPECT_THAT(item_roles(Candidates::kTrain, degree, held_out),
              ElementsAre(kCandidate, kScored, kAbsent, kCandidate));
  EXPECT_THAT(item_roles(Candidates::kAll, degree, held_out),
              ElementsAre(kCandidate, kCandidate, kCandidate, kCandidate));
  EXPECT_THAT(item_roles(Candidates::kTrain, degree, {}),
              ElementsAre(kCandidate, kAbsent, kAbsent, kCandidate));
}

/// 400 items, owner = id modulo 3 except that rank 1 has none; every fifth absent, every seventh
/// scored.
struct Scene {
  static constexpr int kRanks = 3;

  Scene() {
    for (std::int32_t i = 0; i < 400; ++i) {
      partition.item_owner.push_back(i % 3 == 1 ? 2 : i % 3);
      roles.push_back(i % 5 == 0 ? kAbsent : i % 7 == 0 ? kScored : kCandidate);
    }
  }
  Layout layout(int rank) const { return {partition, rank, kRanks, 8}; }

  Partition partition;
  std::vector<ItemRole> roles;
};

TEST(PanelPlan, GivesEveryItemOfTheRankItsPosition) {
  const Scene scene;
  std::set<std::int32_t> taken;
  for (int rank = 0; rank < Scene::kRanks; ++rank) {
    const Layout layout = scene.layout(rank);
    const PanelPlan plan = plan_panels(layout, scene.roles);
    const std::vector<std::int32_t> place = place_items(plan, layout, scene.roles);
    std::int64_t expected = plan.begin(rank) * kPanelItems;
    for (const PanelPlan::OwnItem& own : plan.own_items) {
      EXPECT_EQ(layout.owned_items()[static_cast<std::size_t>(own.row)], own.item);
      EXPECT_EQ(place[static_cast<std::size_t>(own.item)], expected++);
      taken.insert(place[static_cast<std::size_t>(own.item)]);
    }
    EXPECT_LE(expected, plan.begin(rank + 1) * kPanelItems);
    EXPECT_EQ(place[0], -1);
  }
  EXPECT_EQ(taken.size(), 400U - 80U);
}

TEST(PanelPlan, PutsCandidatesFirst) {
  const Scene scene;
  for (int rank = 0; rank < Scene::kRanks; ++rank) {
    const PanelPlan plan = plan_panels(scene.layout(rank), scene.roles);
    const auto candidates =
        static_cast<std::size_t>(plan.candidates[static_cast<std::size_t>(rank)]);
    for (std::size_t i = 0; i < plan.own_items.size(); ++i) {
      const ItemRole role = scene.roles[static_cast<std::size_t>(plan.own_items[i].item)];
      EXPECT_EQ(role == kCandidate, i < candidates) << "item " << plan.own_items[i].item;
    }
  }
}

TEST(PanelPlan, ARankWithoutItemsHasNoPanels) {
  const Scene scene;
  const PanelPlan plan = plan_panels(scene.layout(1), scene.roles);
  EXPECT_EQ(plan.panels(1), 0);
  EXPECT_TRUE(plan.own_items.empty());
  EXPECT_EQ(plan.largest(), plan.panels(2));
}

TEST(Locate, SortsByPositionAndRemembersThePlaceInTheList) {
  const std::vector<std::int32_t> place = {30, -1, 10, 20};
  const std::vector<EdgeOffset> offsets = {0, 1, 1, 4};
  const std::vector<ItemId> items = {3, 0, 2, 3};
  const std::vector<LocalRow> users = {2, 0, 1};
  const ListPositions found = locate({offsets, items}, users, place, Absent::kNone);
  EXPECT_THAT(found.offsets, ElementsAre(0, 3, 4, 4));
  EXPECT_THAT(found.positions, ElementsAre(10, 20, 30, 20));
  EXPECT_THAT(found.slots, ElementsAre(1, 2, 0, 0));
}

TEST(Locate, PassesOverAbsentItems) {
  const std::vector<std::int32_t> place = {30, -1, 10, 20};
  const std::vector<EdgeOffset> offsets = {0, 3, 4};
  const std::vector<ItemId> items = {0, 1, 2, 1};
  const std::vector<LocalRow> users = {0, 1};
  const ListPositions found = locate({offsets, items}, users, place, Absent::kPassOver);
  EXPECT_THAT(found.offsets, ElementsAre(0, 2, 2));
  EXPECT_THAT(found.positions, ElementsAre(10, 30));
}

TEST(Merge, PutsTheListsOfChosenUsersTogether) {
  const std::vector<EdgeOffset> one_offsets = {0, 2, 3, 3};
  const std::vector<ItemId> one = {5, 7, 1};
  const std::vector<EdgeOffset> two_offsets = {0, 1, 3, 4};
  const std::vector<ItemId> two = {6, 2, 9, 4};
  const std::vector<ItemLists> lists = {{one_offsets, one}, {}, {two_offsets, two}};
  const MergedLists all = merge(lists, std::vector<LocalRow>{0, 1, 2}, 3);
  EXPECT_THAT(all.offsets, ElementsAre(0, 3, 6, 7));
  EXPECT_THAT(all.items, ElementsAre(5, 7, 6, 1, 2, 9, 4));
  const MergedLists some = merge(lists, std::vector<LocalRow>{1}, 3);
  EXPECT_THAT(some.offsets, ElementsAre(0, 0, 3, 3));
  EXPECT_THAT(some.items, ElementsAre(1, 2, 9));
  EXPECT_THAT(merge({}, std::vector<LocalRow>{1}, 3).offsets, ElementsAre(0, 0, 0, 0));
}

TEST(Locate, NoListsMeansNoItems) {
  const std::vector<LocalRow> users = {0, 1};
  const ListPositions found = locate({}, users, {}, Absent::kNone);
  EXPECT_THAT(found.offsets, ElementsAre(0, 0, 0));
}

}  // namespace
}  // namespace siren
