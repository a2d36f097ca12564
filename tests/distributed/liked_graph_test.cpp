// SPDX-License-Identifier: Apache-2.0
#include "distributed/liked_graph.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "distributed/graph_count.hpp"
#include "support/edges.hpp"
#include "support/share.hpp"

namespace siren::test {
namespace {

struct Placement {
  std::string partition;
  Travel travel;
  double edge_weight = 0.0;
};

TrainConfig config_of(const Placement& placement) {
  TrainConfig config;
  config.model = ModelKind::kFactored;
  config.dislike_edge_weight = placement.edge_weight;
  return config;
}

class LikedGraph : public ::testing::TestWithParam<Placement> {
 protected:
  Communicator comm_ = Communicator::world();
  Ratings ratings_ = random_ratings(50, 40, 0.1, 3);
  std::unique_ptr<Share> share_ =
      make_share(comm_, ratings_, config_of(GetParam()), GetParam().partition, GetParam().travel);
  std::vector<Layout> layouts_ =
      layouts_of(test_partition(ratings_, GetParam().partition, comm_.size()), comm_.size());

  /// Liked ratings; all, if the others weigh something; those that weigh less than 1 are light.
  std::vector<Edge> expected() const {
    const double weight = GetParam().edge_weight;
    std::vector<Edge> edges;
    for (const Rating& rating : ratings_.all) {
      const NodeId item = ratings_.users + rating.item;
      const bool liked = rating.sign > 0;
      if (!liked && weight == 0.0) continue;
      const bool light = !liked && weight < 1.0;
      edges.push_back(GetParam().travel == Travel::kUsers ? Edge{item, rating.user, light}
                                                          : Edge{rating.user, item, light});
    }
    std::sort(edges.begin(), edges.end());
    return edges;
  }

  std::vector<Edge> gathered(const std::vector<Edge>& mine) const {
    std::vector<Edge> all = comm_.all_gather_v(std::span<const Edge>(mine));
    std::sort(all.begin(), all.end());
    return all;
  }
};

TEST_P(LikedGraph, TheRanksTogetherHoldEveryEdgeOnceInBothOrders) {
  EXPECT_EQ(gathered(edges_from_anchors(share_->graph, share_->layout, layouts_)), expected());
  EXPECT_EQ(gathered(edges_from_travellers(share_->graph, share_->layout, layouts_)), expected());
}

TEST_P(LikedGraph, CopiesTheLeastRowsIfBothSidesTravel) {
  const auto copies = [&](Travel travel) {
    const auto share =
        make_share(comm_, ratings_, config_of(GetParam()), GetParam().partition, travel);
    return comm_.all_reduce(share->graph.halo_rows, Reduction::kSum);
  };
  const auto whole = make_share(Communicator::alone(), ratings_, config_of(GetParam()));
  const std::int64_t least =
      least_copied_rows(test_partition(ratings_, GetParam().partition, comm_.size()), comm_.size(),
                        whole->set.ratings, GetParam().edge_weight);
  EXPECT_EQ(copies(Travel::kCover), least);
  EXPECT_GE(copies(Travel::kItems), least);
  EXPECT_GE(copies(Travel::kUsers), least);
}

TEST_P(LikedGraph, DegreesAddUpTheWeightsOfEdgesOverAllRanks) {
  const std::vector<Edge> edges = expected();
  ASSERT_EQ(static_cast<std::int64_t>(share_->graph.degree.size()), share_->layout.rows());
  for (LocalRow row = 0; row < share_->layout.rows(); ++row) {
    const NodeId node = share_->layout.node_of(row);
    double degree = 0.0;  // exact: weights are halves
    for (const Edge& e : edges)
      if (e.anchor == node || e.traveller == node) degree += e.light ? GetParam().edge_weight : 1.0;
    EXPECT_EQ(share_->graph.degree[static_cast<std::size_t>(row)], degree) << "node " << node;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Placements, LikedGraph,
    ::testing::Values(Placement{"block", Travel::kItems}, Placement{"random", Travel::kItems},
                      Placement{"first", Travel::kItems}, Placement{"block", Travel::kUsers},
                      Placement{"random", Travel::kUsers}, Placement{"first", Travel::kUsers},
                      Placement{"block", Travel::kCover}, Placement{"random", Travel::kCover},
                      Placement{"first", Travel::kCover}, Placement{"random", Travel::kCover, 0.5},
                      Placement{"random", Travel::kCover, 1.0},
                      Placement{"random", Travel::kItems, 0.5},
                      Placement{"random", Travel::kUsers, 0.5},
                      Placement{"random", Travel::kItems, 1.0},
                      Placement{"first", Travel::kUsers, 0.5}));

}  // namespace
}  // namespace siren::test
