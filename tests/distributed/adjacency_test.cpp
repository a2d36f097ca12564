// SPDX-License-Identifier: Apache-2.0
#include "distributed/adjacency.hpp"

#include <algorithm>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "siren/error.hpp"
#include "support/edges.hpp"

namespace siren::test {
namespace {

constexpr NodeId kUsers = 30;
constexpr NodeId kItems = 20;

struct Sample {
  int ranks;
  Travel travel;
  bool light = false;  // a third of the edges
};

/// Every rank's part of a graph with isolated users and items, built in one process.
class AdjacencyOf : public ::testing::TestWithParam<Sample> {
 protected:
  AdjacencyOf() {
    std::mt19937 random(6);
    for (NodeId u = 0; u < kUsers; ++u)
      for (NodeId i = 0; i < kItems; ++i)
        if (u % 7 != 2 && i % 6 != 5 && random() % 4 == 0)
          pairs_.insert({u, kUsers + i, GetParam().light && random() % 3 == 0});
    Partition partition;
    for (NodeId u = 0; u < kUsers; ++u)
      partition.user_owner.push_back(
          static_cast<std::int32_t>(random() % static_cast<unsigned>(GetParam().ranks)));
    for (NodeId i = 0; i < kItems; ++i)
      partition.item_owner.push_back(
          static_cast<std::int32_t>(random() % static_cast<unsigned>(GetParam().ranks)));
    layouts_ = layouts_of(partition, GetParam().ranks);
    addresses_.resize(kUsers + kItems);
    for (const Layout& layout : layouts_)
      for (LocalRow row = 0; row < layout.rows(); ++row)
        addresses_[static_cast<std::size_t>(layout.node_of(row))] = {layout.rank(), row};
    for (const Layout& layout : layouts_) graphs_.push_back(build(layout, random));
  }

  /// An edge of the pairs as (anchored end, travelling end).
  Edge oriented(const Edge& pair) const {
    return GetParam().travel == Travel::kItems ? pair
                                               : Edge{pair.traveller, pair.anchor, pair.light};
  }
  const RowAddress& address(NodeId node) const {
    return addresses_[static_cast<std::size_t>(node)];
  }

  std::vector<Edge> expected(int rank) const {
    std::vector<Edge> edges;
    for (const Edge& pair : pairs_)
      if (address(oriented(pair).anchor).rank == rank) edges.push_back(oriented(pair));
    std::sort(edges.begin(), edges.end());
    return edges;
  }

  Adjacency build(const Layout& layout, std::mt19937& random) const {
    GraphEdges edges;
    edges.light_weight = 0.5;
    for (const Edge& edge : expected(layout.rank()))
      (edge.light ? edges.light : edges.full)
          .push_back({address(edge.anchor).row, address(edge.traveller)});
    for (auto* run : {&edges.full, &edges.light}) std::shuffle(run->begin(), run->end(), random);
    std::vector<double> degree(static_cast<std::size_t>(layout.rows()));
    for (std::size_t row = 0; row < degree.size(); ++row)
      degree[row] = static_cast<double>(row) / 2;
    return make_adjacency(layout, GetParam().travel, edges, degree);
  }

  std::set<Edge> pairs_;  // (user node, item node)
  std::vector<Layout> layouts_;
  std::vector<RowAddress> addresses_;
  std::vector<Adjacency> graphs_;
};

void expect_valid(const Csr& csr, std::int64_t rows, const RowRange& columns_a,
                  const RowRange& columns_b) {
  ASSERT_EQ(csr.rows(), rows);
  EXPECT_EQ(csr.offsets.front(), 0);
  EXPECT_GE(static_cast<std::int64_t>(csr.columns.size()), csr.nonzeros() + kColumnSlack)
      << "kernels read ahead";
  for (std::int64_t r = 0; r < rows; ++r)
    for (std::int64_t e = csr.offsets[static_cast<std::size_t>(r)];
         e < csr.offsets[static_cast<std::size_t>(r) + 1]; ++e) {
      const LocalRow column = csr.columns[static_cast<std::size_t>(e)];
      EXPECT_TRUE((column >= columns_a.begin && column < columns_a.end) ||
                  (column >= columns_b.begin && column < columns_b.end))
          << column;
      const bool first = e == csr.offsets[static_cast<std::size_t>(r)] ||
                         is_light(csr, r, e - 1) != is_light(csr, r, e);
      EXPECT_TRUE(first || csr.columns[static_cast<std::size_t>(e) - 1] < column) << "ascending";
    }
}

TEST_P(AdjacencyOf, BothOrdersHoldThisRanksEdges) {
  for (int rank = 0; rank < GetParam().ranks; ++rank) {
    const auto at = static_cast<std::size_t>(rank);
    std::vector<Edge> down = edges_from_anchors(graphs_[at], layouts_[at], layouts_);
    std::vector<Edge> up = edges_from_travellers(graphs_[at], layouts_[at], layouts_);
    std::sort(down.begin(), down.end());
    std::sort(up.begin(), up.end());
    EXPECT_EQ(down, expected(rank));
    EXPECT_EQ(up, expected(rank));
  }
}

TEST_P(AdjacencyOf, ColumnsAscendWithinTheirRanges) {
  for (int rank = 0; rank < GetParam().ranks; ++rank) {
    const Adjacency& graph = graphs_[static_cast<std::size_t>(rank)];
    const Layout& layout = layouts_[static_cast<std::size_t>(rank)];
    const RowRange users{0, layout.users()};
    const RowRange items{layout.users(), layout.rows()};
    const bool items_travel = GetParam().travel == Travel::kItems;
    EXPECT_EQ(graph.anchored.begin, (items_travel ? users : items).begin);
    EXPECT_EQ(graph.anchored.end, (items_travel ? users : items).end);
    EXPECT_EQ(graph.travelling.begin, (items_travel ? items : users).begin);
    EXPECT_EQ(graph.travelling.end, (items_travel ? items : users).end);
    EXPECT_EQ(graph.rows, layout.rows());
    const RowRange halo{graph.rows, graph.rows + graph.halo_rows};
    expect_valid(graph.by_anchor, graph.anchored.size(), graph.travelling, halo);
    expect_valid(graph.by_traveller, graph.travelling.size(), graph.anchored, graph.anchored);
    expect_valid(graph.by_halo, graph.halo_rows, graph.anchored, graph.anchored);
  }
}

TEST_P(AdjacencyOf, OnlyRowsWithLightEdgesAreSplit) {
  for (const Adjacency& graph : graphs_)
    for (const Csr* csr : {&graph.by_anchor, &graph.by_traveller, &graph.by_halo}) {
      EXPECT_TRUE(GetParam().light || csr->split.empty());
      if (csr->split.empty()) continue;
      EXPECT_EQ(csr->light_weight, 0.5);
      ASSERT_EQ(static_cast<std::int64_t>(csr->split.size()), csr->rows());
      for (std::size_t r = 0; r < csr->split.size(); ++r)
        EXPECT_TRUE(csr->offsets[r] <= csr->split[r] && csr->split[r] <= csr->offsets[r + 1]);
    }
}

TEST_P(AdjacencyOf, HaloRowsAreTheForeignOnesOnceByOwner) {
  for (int rank = 0; rank < GetParam().ranks; ++rank) {
    const Adjacency& graph = graphs_[static_cast<std::size_t>(rank)];
    ASSERT_EQ(graph.halo_counts.size(), static_cast<std::size_t>(GetParam().ranks));
    EXPECT_EQ(graph.halo_counts[static_cast<std::size_t>(rank)], 0) << "own rows need no copy";
    std::set<NodeId> want;
    for (const Edge& edge : expected(rank))
      if (address(edge.traveller).rank != rank) want.insert(edge.traveller);
    const std::vector<NodeId> halo = halo_nodes(graph, layouts_);
    EXPECT_EQ(static_cast<std::int64_t>(halo.size()), graph.halo_rows);
    EXPECT_EQ(halo.size(), want.size());
    EXPECT_EQ(std::set<NodeId>(halo.begin(), halo.end()), want);
    std::size_t next = 0;
    for (const std::int64_t count : graph.halo_counts) {
      EXPECT_TRUE(std::is_sorted(halo.begin() + static_cast<std::ptrdiff_t>(next),
                                 halo.begin() + static_cast<std::ptrdiff_t>(next) + count))
          << "ascending within an owner";
      next += static_cast<std::size_t>(count);
    }
  }
}

TEST_P(AdjacencyOf, KeepsTheDegreesItWasGiven) {
  for (const Adjacency& graph : graphs_) {
    ASSERT_EQ(static_cast<std::int64_t>(graph.degree.size()), graph.rows);
    for (std::size_t row = 0; row < graph.degree.size(); ++row)
      EXPECT_EQ(graph.degree[row], static_cast<double>(row) / 2);
  }
}

INSTANTIATE_TEST_SUITE_P(Ranks, AdjacencyOf,
                         ::testing::Values(Sample{1, Travel::kItems}, Sample{2, Travel::kItems},
                                           Sample{3, Travel::kItems}, Sample{5, Travel::kItems},
                                           Sample{1, Travel::kUsers}, Sample{2, Travel::kUsers},
                                           Sample{3, Travel::kUsers}, Sample{5, Travel::kUsers},
                                           Sample{1, Travel::kItems, true},
                                           Sample{3, Travel::kItems, true},
                                           Sample{1, Travel::kUsers, true},
                                           Sample{5, Travel::kUsers, true}),
                         [](const auto& sample) {
                           return (sample.param.travel == Travel::kItems ? "Items" : "Users") +
                                  std::to_string(sample.param.ranks) +
                                  (sample.param.light ? "Light" : "");
                         });

TEST(Adjacency, MayBeEmpty) {
  const Layout nobody({{0, 0}, {0}}, 1, 2, 4);
  const Adjacency graph = make_adjacency(nobody, Travel::kItems, {}, {});
  EXPECT_EQ(graph.rows, 0);
  EXPECT_EQ(graph.halo_rows, 0);
  expect_valid(graph.by_anchor, 0, {}, {});
}

TEST(ParseTravel, TheSmallerSideTravelsByDefault) {
  EXPECT_EQ(resolve(TravelChoice::kAuto, 100, 10), Travel::kItems);
  EXPECT_EQ(resolve(TravelChoice::kAuto, 10, 100), Travel::kUsers);
  EXPECT_EQ(resolve(TravelChoice::kItems, 10, 100), Travel::kItems);
  EXPECT_EQ(resolve(TravelChoice::kUsers, 100, 10), Travel::kUsers);
  EXPECT_EQ(resolve(TravelChoice::kCover, 10, 100), Travel::kCover);
}

TEST(ParseTravel, APartitionTakesTheSmallerSideIfBothTravel) {
  EXPECT_TRUE(weighs_items_as_travelling(Travel::kCover, 100, 10));
  EXPECT_FALSE(weighs_items_as_travelling(Travel::kCover, 10, 100));
  EXPECT_TRUE(weighs_items_as_travelling(Travel::kItems, 10, 100));
  EXPECT_FALSE(weighs_items_as_travelling(Travel::kUsers, 100, 10));
}

}  // namespace
}  // namespace siren::test
