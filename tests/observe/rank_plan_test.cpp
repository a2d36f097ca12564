// SPDX-License-Identifier: Apache-2.0
#include "observe/rank_plan.hpp"

#include <numeric>
#include <set>

#include <gtest/gtest.h>

#include "distributed/partition.hpp"
#include "math/isa.hpp"
#include "support/share.hpp"

namespace siren::test {
namespace {

constexpr int kRanks = 3;

/// Edges of every rank, and how often a row travels, by counting.
TEST(RankPlan, CountsTheEdgesOfTheGraph) {
  const Ratings ratings = random_ratings(50, 40, 0.2, 3);
  for (const double edge_weight : {0.0, 0.5, 1.0}) {
    TrainConfig config;
    config.model = ModelKind::kFactored;
    config.dislike_edge_weight = edge_weight;
    config.dimension = 16;
    const auto share = make_share(Communicator::alone(), ratings, config);
    RatingEdges edges{std::vector<std::int32_t>(50, 0), std::vector<std::int32_t>(40, 0), {}};
    std::vector<Rating> in_graph;
    for (const Rating& rating : ratings.all)
      if (rating.sign > 0 || edge_weight > 0.0) {
        ++edges.of_user[static_cast<std::size_t>(rating.user)];
        ++edges.of_item[static_cast<std::size_t>(rating.item)];
        in_graph.push_back(rating);
      }
    const Partition owners = partition_by_work(Partitioning::kBlock, edges, true, kRanks, 1);
    std::vector<std::int64_t> of_rank(kRanks, 0);
    std::set<std::pair<ItemId, std::int32_t>> copies;
    for (const Rating& rating : in_graph) {
      const std::int32_t rank = owners.user_owner[static_cast<std::size_t>(rating.user)];
      ++of_rank[static_cast<std::size_t>(rank)];
      if (owners.item_owner[static_cast<std::size_t>(rating.item)] != rank)
        copies.emplace(rating.item, rank);
    }
    const LoadedData whole{share->layout, share->set, {}, {}};
    const LayoutPlan plan =
        LayoutTrial(whole, {}, config, kRanks).plan(config, FirstBatch(whole, config, best_isa()));
    const std::vector<RankPlan>& plans = plan.ranks;
    std::int64_t rows_sent = 0;
    for (std::size_t rank = 0; rank < kRanks; ++rank) {
      EXPECT_EQ(plans[rank].edges, of_rank[rank]) << "kappa " << edge_weight;
      EXPECT_EQ(plans[rank].work.edge_visits, 2 * 2 * config.layers * of_rank[rank]);
      rows_sent += plans[rank].rows_sent;
    }
    EXPECT_EQ(rows_sent, 2 * std::ssize(copies));
    for (const auto& [item, rank] : copies)
      EXPECT_GT(plan.layer_rows.rows(owners.item_owner[static_cast<std::size_t>(item)], rank), 0);
  }
}

/// Ten times as much of everything: the same traffic for each node, the same batch.
TEST(RankPlan, ScalesWhatDependsOnTheData) {
  const Ratings ratings = random_ratings(50, 40, 0.2, 3);
  TrainConfig config;
  config.dimension = 16;
  config.batch = 20;
  const auto share = make_share(Communicator::alone(), ratings, config);
  const LoadedData whole{share->layout, share->set, {}, {}};
  const LayoutTrial trial(whole, {}, config, kRanks);
  const LayoutPlan one = trial.plan(config, FirstBatch(whole, config, best_isa()));
  const LayoutPlan ten = trial.plan_scaled(config, 10);
  std::int64_t tables = 0;
  for (std::size_t rank = 0; rank < kRanks; ++rank) {
    EXPECT_EQ(ten.ranks[rank].rows_sent, 10 * one.ranks[rank].rows_sent);
    EXPECT_EQ(ten.ranks[rank].layer_bytes, 10 * one.ranks[rank].layer_bytes);
    EXPECT_EQ(ten.ranks[rank].edges, 10 * one.ranks[rank].edges);
    EXPECT_EQ(ten.ranks[rank].sum_bytes, one.ranks[rank].sum_bytes);
    tables += ten.ranks[rank].memory.front().bytes - one.ranks[rank].memory.front().bytes;
    EXPECT_GE(ten.ranks[rank].row_bytes, one.ranks[rank].row_bytes);
  }
  // two tables of floats, each with two moments
  EXPECT_EQ(tables, 9 * (share->set.users + share->set.items) * 2 * 3 * 16 * 4);
  EXPECT_EQ(ten.layer_row_bytes, 10 * one.layer_row_bytes);
}

}  // namespace
}  // namespace siren::test
