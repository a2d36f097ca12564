// SPDX-License-Identifier: Apache-2.0
#include "distributed/layout.hpp"

#include <cstdlib>
#include <map>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "support/edges.hpp"

namespace siren::test {
namespace {

/// A way to own 23 users and 17 items, by name.
struct Ownership {
  std::string name;
  int ranks;
};

Partition partition_of(const Ownership& ownership) {
  std::mt19937 random(5);
  Partition partition{std::vector<std::int32_t>(23), std::vector<std::int32_t>(17)};
  const auto owner = [&](std::size_t i) {
    if (ownership.name == "first") return 0;
    if (ownership.name == "last") return ownership.ranks - 1;
    if (ownership.name == "robin") return static_cast<int>(i) % ownership.ranks;
    return static_cast<int>(random() % static_cast<unsigned>(ownership.ranks));
  };
  for (std::size_t i = 0; i < 23; ++i) partition.user_owner[i] = owner(i);
  for (std::size_t i = 0; i < 17; ++i)
    partition.item_owner[i] = ownership.name == "apart" ? ownership.ranks - 1 : owner(i);
  if (ownership.name == "apart") partition.user_owner.assign(23, 0);
  return partition;
}

class LayoutOf : public ::testing::TestWithParam<Ownership> {
 protected:
  LayoutOf()
      : partition_(partition_of(GetParam())),
        layouts_(layouts_of(partition_, GetParam().ranks, 20)) {}
  const Layout& at(int rank) const { return layouts_[static_cast<std::size_t>(rank)]; }
  Partition partition_;
  std::vector<Layout> layouts_;
};

TEST_P(LayoutOf, RowsOfAllRanksAreTheNodesOnce) {
  std::set<NodeId> nodes;
  for (int rank = 0; rank < GetParam().ranks; ++rank) {
    const Layout& layout = at(rank);
    EXPECT_EQ(layout.rank(), rank);
    EXPECT_EQ(layout.ranks(), GetParam().ranks);
    EXPECT_EQ(layout.all_users(), 23);
    EXPECT_EQ(layout.all_items(), 17);
    EXPECT_EQ(layout.all_nodes(), 40);
    ASSERT_EQ(layout.rows(), layout.users() + layout.items());
    NodeId before = -1;
    for (LocalRow row = 0; row < layout.rows(); ++row) {
      const NodeId node = layout.node_of(row);
      EXPECT_EQ(layout.is_user_row(row), row < layout.users());
      EXPECT_EQ(layout.is_user_row(row), node < 23) << "users first";
      EXPECT_GT(node, before) << "ascending";
      before = node;
      EXPECT_TRUE(nodes.insert(node).second) << "node " << node << " twice";
      const auto id = static_cast<std::size_t>(node < 23 ? node : node - 23);
      EXPECT_EQ(node < 23 ? partition_.user_owner[id] : partition_.item_owner[id], rank);
    }
  }
  EXPECT_EQ(nodes.size(), 40U);
}

TEST_P(LayoutOf, ListsItsUsersAndItems) {
  for (const Layout& layout : layouts_) {
    for (std::int64_t u = 0; u < layout.users(); ++u)
      EXPECT_EQ(layout.owned_users()[static_cast<std::size_t>(u)],
                layout.node_of(static_cast<LocalRow>(u)));
    for (std::int64_t i = 0; i < layout.items(); ++i)
      EXPECT_EQ(layout.owned_items()[static_cast<std::size_t>(i)] + 23,
                layout.node_of(static_cast<LocalRow>(layout.users() + i)));
    for (int rank = 0; rank < GetParam().ranks; ++rank)
      EXPECT_EQ(layout.users_of(rank), at(rank).users());
  }
}

TEST_P(LayoutOf, ItemPositionsRunThroughTheRanksInOrder) {
  for (const Layout& layout : layouts_) {
    std::map<std::int32_t, ItemId> item_at;
    for (ItemId item = 0; item < 17; ++item) item_at[layout.item_position(item)] = item;
    ASSERT_EQ(item_at.size(), 17U) << "a bijection";
    EXPECT_EQ(item_at.begin()->first, 0);
    EXPECT_EQ(item_at.rbegin()->first, 16);
    std::int32_t position = 0;
    for (int rank = 0; rank < GetParam().ranks; ++rank) {
      EXPECT_EQ(layout.position_begin(rank), position);
      for (const ItemId item : at(rank).owned_items())
        EXPECT_EQ(item_at[position++], item) << "rank " << rank;
    }
    EXPECT_EQ(layout.position_begin(GetParam().ranks), 17);
  }
}

TEST_P(LayoutOf, AddressesLeadToTheOwnersRow) {
  for (const Layout& layout : layouts_)
    for (ItemId item = 0; item < 17; ++item) {
      const RowAddress address = layout.address_of_item(item);
      EXPECT_EQ(address.rank, partition_.item_owner[static_cast<std::size_t>(item)]);
      EXPECT_EQ(at(address.rank).node_of(address.row), 23 + item);
      const RowAddress same = layout.address_of_position(layout.item_position(item));
      EXPECT_EQ(same.rank, address.rank);
      EXPECT_EQ(same.row, address.row);
    }
}

TEST_P(LayoutOf, StoresWholeRows) {
  for (const Layout& layout : layouts_) {
    EXPECT_EQ(layout.dimension(), 20);
    EXPECT_EQ(layout.column_begin(), 0);
    EXPECT_EQ(layout.column_end(), 20);
  }
}

TEST(LayoutColumns, GroupsCutTheColumnsWithoutGapOrOverlap) {
  const Partition partition{{0, 0}, {0}};
  for (const int count : {2, 3}) {
    std::int64_t next = 0;
    for (int index = 0; index < count; ++index) {
      const Layout layout(partition, 0, 1, 20, {index, count});
      EXPECT_EQ(layout.column_begin(), next) << index << " of " << count;
      EXPECT_LE(std::abs(layout.column_end() - layout.column_begin() - 20 / count), 1);
      next = layout.column_end();
    }
    EXPECT_EQ(next, 20);
  }
}

std::vector<Ownership> ownerships() {
  std::vector<Ownership> all;
  for (int ranks = 1; ranks <= 5; ++ranks)
    for (const char* name : {"drawn", "robin", "first", "last", "apart"})
      all.push_back({name, ranks});
  return all;
}

INSTANTIATE_TEST_SUITE_P(Ranks, LayoutOf, ::testing::ValuesIn(ownerships()),
                         [](const auto& sample) {
                           return sample.param.name + std::to_string(sample.param.ranks);
                         });

}  // namespace
}  // namespace siren::test
