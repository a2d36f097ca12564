// SPDX-License-Identifier: Apache-2.0
#include "distributed/partition.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <set>
#include <utility>

#include <gtest/gtest.h>

#include "siren/error.hpp"

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
                     const std::vector<std::int32_t>& weight, int ranks) {
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

/// The largest rank's weight as a multiple of its share, but for one row of the heaviest.
double excess(const std::vector<std::int32_t>& owner, std::span<const std::int32_t> weight,
              int ranks) {
  std::vector<std::int64_t> part(static_cast<std::size_t>(ranks), 0);
  for (std::size_t i = 0; i < owner.size(); ++i)
    part[static_cast<std::size_t>(owner[i])] += weight[i];
  const std::int64_t total = std::accumulate(part.begin(), part.end(), std::int64_t{0});
  const std::int64_t most = *std::max_element(part.begin(), part.end());
  const std::int64_t heaviest = *std::max_element(weight.begin(), weight.end());
  return static_cast<double>((most - heaviest) * ranks) / static_cast<double>(total);
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

using Pairs = std::set<std::pair<std::size_t, std::size_t>>;  // (user, item)

/// What a partitioner is given, and what comes of it.
struct LikedPairs {
  RatingEdges edges;
  std::vector<std::int32_t> user_weight;
  std::vector<std::int32_t> item_weight;

  LikedPairs(std::size_t users, std::size_t items, const Pairs& pairs) {
    edges = {std::vector<std::int32_t>(users, 0), std::vector<std::int32_t>(items, 0), {}};
    for (const auto& [user, item] : pairs) {
      ++edges.of_user[user];
      ++edges.of_item[item];
      edges.items.push_back(static_cast<ItemId>(item));
    }
  }

  PartitionInput input(int ranks, bool items_travel = true) {
    user_weight = row_weights(edges.of_user, items_travel);
    item_weight = row_weights(edges.of_item, !items_travel);
    return {user_weight, item_weight, ranks, 1, &edges, items_travel};
  }

  /// How often a travelling row is used by another rank than its owner's.
  std::size_t rows_sent(const Partition& partition, bool items_travel) const {
    std::set<std::pair<std::size_t, std::int32_t>> sent;
    auto next = edges.items.begin();
    for (std::size_t user = 0; user < edges.of_user.size(); ++user)
      for (std::int32_t e = 0; e < edges.of_user[user]; ++e) {
        const auto item = static_cast<std::size_t>(*next++);
        const std::int32_t at_user = partition.user_owner[user];
        const std::int32_t at_item = partition.item_owner[item];
        if (at_user == at_item) continue;
        sent.emplace(items_travel ? item : user, items_travel ? at_user : at_item);
      }
    return sent.size();
  }
};

TEST(PartitionMetis, SeparatesTastesThatShareNothing) {
  Pairs pairs;  // neighbouring ids have different tastes
  for (std::size_t user = 0; user < 300; ++user)
    for (std::size_t item = user % 3; item < 90; item += 3) pairs.emplace(user, item);
  LikedPairs tastes(300, 90, pairs);
  for (const bool items_travel : {true, false}) {
    const Partition partition = partition_metis(tastes.input(3, items_travel));
    EXPECT_EQ(tastes.rows_sent(partition, items_travel), 0U);
    for (std::int32_t rank = 0; rank < 3; ++rank)
      EXPECT_EQ(std::count(partition.item_owner.begin(), partition.item_owner.end(), rank), 30);
  }
}

/// The same, and one user in ten likes an item of another taste: at most 30 rows need to be sent.
TEST(PartitionMetis, SendsFewerRowsThanBlocks) {
  Pairs pairs;
  for (std::size_t user = 0; user < 300; ++user) {
    for (std::size_t item = user % 3; item < 90; item += 3) pairs.emplace(user, item);
    if (user % 10 == 0) pairs.emplace(user, (user * 7 + 1) % 90);
  }
  LikedPairs tastes(300, 90, pairs);
  for (const bool items_travel : {true, false}) {
    const PartitionInput input = tastes.input(3, items_travel);
    const std::size_t of_metis = tastes.rows_sent(partition_metis(input), items_travel);
    EXPECT_GT(of_metis, 0U);
    EXPECT_LT(2 * of_metis, tastes.rows_sent(partition_block(input), items_travel));
  }
}

/// Active users and popular items first.
LikedPairs skewed_pairs() {
  Pairs pairs;
  std::mt19937 random(9);
  for (std::size_t user = 0; user < 400; ++user)
    for (std::size_t item = 0; item < 100; ++item)
      if (random() % (1 + user / 20) == 0 && random() % (1 + item / 10) == 0)
        pairs.emplace(user, item);
  return {400, 100, pairs};
}

TEST(PartitionMetis, BalancesEachSideAndIsTheSameEachTime) {
  LikedPairs skewed = skewed_pairs();
  for (const bool items_travel : {true, false})
    for (const int ranks : {2, 3, 4}) {
      const PartitionInput input = skewed.input(ranks, items_travel);
      const Partition partition = partition_metis(input);
      EXPECT_LE(excess(partition.user_owner, input.user_weight, ranks), items_travel ? 1.01 : 1.05);
      EXPECT_LE(excess(partition.item_owner, input.item_weight, ranks), items_travel ? 1.05 : 1.01);
      const Partition again = partition_metis(input);
      EXPECT_EQ(partition.user_owner, again.user_owner);
      EXPECT_EQ(partition.item_owner, again.item_owner);
    }
}

/// The share bound holds for all but the row that crosses it.
TEST(PartitionStream, BalancesEachSideAndIsTheSameEachTime) {
  LikedPairs skewed = skewed_pairs();
  for (const bool items_travel : {true, false})
    for (const int ranks : {2, 3, 4}) {
      const PartitionInput input = skewed.input(ranks, items_travel);
      const Partition partition = partition_stream(input);
      const auto bound = [&](const std::vector<std::int32_t>& weight, double imbalance) {
        const auto all =
            static_cast<double>(std::accumulate(weight.begin(), weight.end(), std::int64_t{0}));
        return imbalance + *std::max_element(weight.begin(), weight.end()) * ranks / all;
      };
      EXPECT_LE(excess(partition.user_owner, input.user_weight, ranks),
                bound(skewed.user_weight, items_travel ? 1.02 : 1.05));
      EXPECT_LE(excess(partition.item_owner, input.item_weight, ranks),
                bound(skewed.item_weight, items_travel ? 1.05 : 1.02));
      const Partition again = partition_stream(input);
      EXPECT_EQ(partition.user_owner, again.user_owner);
      EXPECT_EQ(partition.item_owner, again.item_owner);
    }
}

TEST(PartitionStream, NeedsNoEdgesForOneRank) {
  const RatingEdges counted{{2, 1}, {1, 2}, {}};
  const Partition partition = partition_by_work(Partitioning::kStream, counted, true, 1, 1);
  EXPECT_EQ(partition.user_owner, std::vector<std::int32_t>(2, 0));
  EXPECT_EQ(partition.item_owner, std::vector<std::int32_t>(2, 0));
}

/// Tastes that share nothing end on ranks of their own, though neighbouring ids differ.
TEST(PartitionStream, SendsFewerRowsThanBlocks) {
  Pairs pairs;
  for (std::size_t user = 0; user < 300; ++user)
    for (std::size_t item = user % 3; item < 90; item += 3) pairs.emplace(user, item);
  LikedPairs tastes(300, 90, pairs);
  for (const bool items_travel : {true, false}) {
    const PartitionInput input = tastes.input(3, items_travel);
    EXPECT_LT(2 * tastes.rows_sent(partition_stream(input), items_travel),
              tastes.rows_sent(partition_block(input), items_travel));
  }
}

/// As many ranks as there are users, nodes without edges, one item that all like.
TEST(PartitionByEdges, TakesAnyGraph) {
  std::mt19937 random(5);
  for (int trial = 0; trial < 100; ++trial) {
    RatingEdges edges{std::vector<std::int32_t>(1 + random() % 12, 0),
                      std::vector<std::int32_t>(1 + random() % 12, 0),
                      {}};
    const std::size_t sparsity = random() % 6;
    for (std::int32_t& count : edges.of_user)
      for (std::size_t i = 0; i < edges.of_item.size(); ++i) {
        if (i > 0 && random() % (1 + sparsity) > 0) continue;
        edges.items.push_back(static_cast<ItemId>(i));
        ++edges.of_item[i];
        ++count;
      }
    const auto most = static_cast<int>(std::min(edges.of_user.size(), edges.of_item.size()));
    for (int ranks = 1; ranks <= most; ++ranks) {
      const auto choice = trial % 4 < 2 ? Partitioning::kMetis : Partitioning::kStream;
      const Partition partition = partition_by_work(choice, edges, trial % 2 == 0, ranks, 1);
      ASSERT_EQ(partition.user_owner.size(), edges.of_user.size());
      ASSERT_EQ(partition.item_owner.size(), edges.of_item.size());
      for (const auto* owners : {&partition.user_owner, &partition.item_owner})
        for (const std::int32_t owner : *owners)
          ASSERT_TRUE(owner >= 0 && owner < ranks) << owner << " of " << ranks;
    }
  }
}

TEST(Partitioner, IsChosenByName) {
  EXPECT_EQ(partitioner(Partitioning::kBlock), partition_block);
  EXPECT_EQ(partitioner(Partitioning::kRandom), partition_random);
  EXPECT_EQ(partitioner(Partitioning::kMetis), partition_metis);
  EXPECT_EQ(partitioner(Partitioning::kStream), partition_stream);
  EXPECT_TRUE(looks_at_edges(Partitioning::kMetis) && looks_at_edges(Partitioning::kStream) &&
              !looks_at_edges(Partitioning::kBlock) && !looks_at_edges(Partitioning::kRandom));
}

}  // namespace
}  // namespace siren
