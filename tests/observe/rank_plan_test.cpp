// SPDX-License-Identifier: Apache-2.0
#include "observe/rank_plan.hpp"

#include <numeric>
#include <set>

#include <gtest/gtest.h>

#include "distributed/partition.hpp"
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
    const std::vector<RankPlan> plans = plan_ranks(whole, {}, config, kRanks);
    std::int64_t rows_sent = 0;
    for (std::size_t rank = 0; rank < kRanks; ++rank) {
      EXPECT_EQ(plans[rank].edges, of_rank[rank]) << "kappa " << edge_weight;
      EXPECT_EQ(plans[rank].work.edge_visits, 2 * 2 * config.layers * of_rank[rank]);
      rows_sent += plans[rank].rows_sent;
    }
    EXPECT_EQ(rows_sent, 2 * std::ssize(copies));
  }
}

}  // namespace
}  // namespace siren::test
