// SPDX-License-Identifier: Apache-2.0
#include "distributed/liked_graph.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "support/edges.hpp"
#include "support/share.hpp"

namespace siren::test {
namespace {

struct Placement {
  std::string partition;
  Travel travel;
};

class LikedGraph : public ::testing::TestWithParam<Placement> {
 protected:
  Communicator comm_ = Communicator::world();
  Ratings ratings_ = random_ratings(50, 40, 0.1, 3);
  std::unique_ptr<Share> share_ =
      make_share(comm_, ratings_, {}, GetParam().partition, GetParam().travel);
  std::vector<Layout> layouts_ =
      layouts_of(test_partition(ratings_, GetParam().partition, comm_.size()), comm_.size());

  std::vector<Edge> likes() const {
    std::vector<Edge> edges;
    for (const Rating& rating : ratings_.all) {
      const NodeId item = ratings_.users + rating.item;
      if (rating.sign > 0)
        edges.push_back(GetParam().travel == Travel::kItems ? Edge{rating.user, item}
                                                            : Edge{item, rating.user});
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

TEST_P(LikedGraph, TheRanksTogetherHoldEveryLikeOnceInBothOrders) {
  EXPECT_EQ(gathered(edges_from_anchors(share_->graph, share_->layout, layouts_)), likes());
  EXPECT_EQ(gathered(edges_from_travellers(share_->graph, share_->layout, layouts_)), likes());
}

TEST_P(LikedGraph, DegreesCountLikesOverAllRanks) {
  const std::vector<Edge> edges = likes();
  ASSERT_EQ(static_cast<std::int64_t>(share_->graph.degree.size()), share_->layout.rows());
  for (LocalRow row = 0; row < share_->layout.rows(); ++row) {
    const NodeId node = share_->layout.node_of(row);
    const auto degree = std::count_if(edges.begin(), edges.end(), [&](const Edge& e) {
      return e.anchor == node || e.traveller == node;
    });
    EXPECT_EQ(share_->graph.degree[static_cast<std::size_t>(row)], degree) << "node " << node;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Placements, LikedGraph,
    ::testing::Values(Placement{"block", Travel::kItems}, Placement{"random", Travel::kItems},
                      Placement{"first", Travel::kItems}, Placement{"block", Travel::kUsers},
                      Placement{"random", Travel::kUsers}, Placement{"first", Travel::kUsers}));

}  // namespace
}  // namespace siren::test
