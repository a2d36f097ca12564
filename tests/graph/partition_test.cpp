// SPDX-License-Identifier: Apache-2.0
#include "siren/graph/partition.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

#include <gtest/gtest.h>

#include "siren/core/error.hpp"

namespace siren {
namespace {

std::vector<std::int32_t> skewed_weights(std::size_t nodes) {
  std::mt19937 random(3);
  std::vector<std::int32_t> weights;
  for (std::size_t i = 0; i < nodes; ++i)
    weights.push_back(1 + static_cast<std::int32_t>(2000 / (random() % 1000 + 1)));
  return weights;
}

/// Contiguous, with every border as near to its ideal place as whole nodes allow: no further than
/// half the heaviest node.
void expect_balanced(const std::vector<std::int32_t>& owner,
                     const std::vector<std::int32_t>& weight,
                     int ranks) {
  ASSERT_EQ(owner.size(), weight.size());
  EXPECT_TRUE(std::is_sorted(owner.begin(), owner.end())) << "ranges are contiguous";
  std::vector<std::int64_t> part(static_cast<std::size_t>(ranks), 0);
  for (std::size_t i = 0; i < owner.size(); ++i) {
    ASSERT_TRUE(owner[i] >= 0 && owner[i] < ranks) << "owner " << owner[i] << " of " << ranks;
    part[static_cast<std::size_t>(owner[i])] += weight[i];
  }
  if (weight.empty()) return;
  const auto total =
      static_cast<double>(std::accumulate(weight.begin(), weight.end(), std::int64_t{0}));
  const auto heaviest = static_cast<double>(*std::max_element(weight.begin(), weight.end()));
  std::int64_t before = 0;
  for (int rank = 0; rank < ranks; ++rank) {
    EXPECT_LE(std::abs(static_cast<double>(before) - total * rank / ranks), heaviest / 2)
        << "weight below rank " << rank << " of " << ranks;
    before += part[static_cast<std::size_t>(rank)];
  }
}

TEST(RowWeights, CountEdgesWhereTheyAreWorked) {
  EXPECT_EQ(row_weights({0, 5, 100}, true), (std::vector<std::int32_t>{3, 8, 103}));
  EXPECT_EQ(row_weights({0, 6, 3}, false), (std::vector<std::int32_t>{4, 10, 7}));
  EXPECT_EQ(row_weights({0, 0}, false), (std::vector<std::int32_t>{1, 1})) << "rows count, too";
  EXPECT_TRUE(row_weights({}, false).empty());
}

/// Popular rows first: 100 of weight 13, then 1,000 of weight 3; half of it all is 2,150.
TEST(RowWeights, LeaveNoRankAllRowsWithoutEdges) {
  std::vector<std::int32_t> likes(1100, 0);
  std::fill_n(likes.begin(), 100, 10);
  const auto owners = partition_block({row_weights(likes, true), {}, 2, 1}).user_owner;
  const auto of_first = std::count(owners.begin(), owners.end(), 0);
  EXPECT_EQ(of_first, 100 + 283) << "with 283 rows without edges the first rank has 2,149";
}

TEST(PartitionBlock, BalancesWeightInContiguousRanges) {
  for (int ranks = 1; ranks <= 9; ++ranks)
    for (const std::size_t nodes : {0U, 1U, 3U, 8U, 1000U}) {
      const auto users = skewed_weights(nodes);
      const auto items = std::vector<std::int32_t>(nodes / 2, 5);
      const Partition partition = partition_block({users, items, ranks, 1});
      expect_balanced(partition.user_owner, users, ranks);
      expect_balanced(partition.item_owner, items, ranks);
    }
}

TEST(PartitionBlock, OneHeavyNodeLeavesOtherRanksTheRest) {
  std::vector<std::int32_t> weights(100, 1);
  weights[0] = 10000;
  const Partition partition = partition_block({weights, weights, 3, 1});
  expect_balanced(partition.user_owner, weights, 3);
}

TEST(PartitionBlock, NodesWithoutWeightStayInRange) {
  for (const std::vector<std::int32_t>& weights :
       {std::vector<std::int32_t>{0, 0, 0}, {5, 0, 0}, {0, 0, 7}, {1, 1, 0}})
    for (int ranks = 1; ranks <= 4; ++ranks)
      for (const std::int32_t owner : partition_block({weights, weights, ranks, 1}).user_owner)
        EXPECT_TRUE(owner >= 0 && owner < ranks) << owner << " of " << ranks;
}

TEST(PartitionRandom, DrawsEachOwnerAboutEquallyOften) {
  const std::vector<std::int32_t> users(6000, 1), items(3000, 1);
  for (const int ranks : {1, 2, 3, 5}) {
    const Partition partition = partition_random({users, items, ranks, 1});
    std::vector<std::int32_t> all = partition.user_owner;
    all.insert(all.end(), partition.item_owner.begin(), partition.item_owner.end());
    ASSERT_EQ(all.size(), 9000U);
    const double share = 1.0 / ranks;
    for (int rank = 0; rank < ranks; ++rank)  // five standard deviations
      EXPECT_NEAR(static_cast<double>(std::count(all.begin(), all.end(), rank)), 9000 * share,
                  5 * std::sqrt(9000 * share * (1 - share)))
          << rank << " of " << ranks;
  }
}

TEST(PartitionRandom, IsKeyedBySeedAndGlobalNode) {
  const std::vector<std::int32_t> few(500, 1), many(900, 1);
  const Partition a = partition_random({many, few, 4, 1});
  const Partition b = partition_random({few, few, 4, 1});
  EXPECT_TRUE(std::equal(b.user_owner.begin(), b.user_owner.end(), a.user_owner.begin()))
      << "a user's owner does not depend on how many there are";
  EXPECT_TRUE(std::equal(a.user_owner.begin() + 500, a.user_owner.end(), b.item_owner.begin()))
      << "items are nodes behind the users";
  EXPECT_NE(a.user_owner, partition_random({many, few, 4, 2}).user_owner);
}

TEST(Partitioner, IsChosenByName) {
  EXPECT_EQ(partitioner("block"), partition_block);
  EXPECT_EQ(partitioner("random"), partition_random);
  EXPECT_THROW(partitioner("blocks"), InputError);
  EXPECT_THROW(partitioner(""), InputError);
}

}  // namespace
}  // namespace siren
