// SPDX-License-Identifier: Apache-2.0
#include "distributed/vertex_cover.hpp"

#include <algorithm>
#include <bit>
#include <random>
#include <utility>

#include <gtest/gtest.h>

#include "siren/ids.hpp"

namespace siren::test {
namespace {

struct Join {
  std::int32_t left;
  std::int32_t right;
};

BipartiteGraph graph_of(std::int32_t left, std::int32_t right, const std::vector<Join>& joins) {
  BipartiteGraph graph;
  graph.right_count = right;
  for (std::int32_t l = 0; l < left; ++l) {
    for (const Join& join : joins)
      if (join.left == l) graph.right.push_back(join.right);
    graph.offsets.push_back(std::ssize(graph.right));
  }
  return graph;
}

std::vector<Join> random_joins(std::int32_t left, std::int32_t right, unsigned one_in,
                               std::mt19937& random) {
  std::vector<Join> joins;
  for (std::int32_t l = 0; l < left; ++l)
    for (std::int32_t r = 0; r < right; ++r)
      if (random() % one_in == 0) joins.push_back({l, r});
  return joins;
}

std::int64_t size_of(const VertexCover& cover) {
  return std::count(cover.left.begin(), cover.left.end(), 1) +
         std::count(cover.right.begin(), cover.right.end(), 1);
}

void expect_cover(const VertexCover& cover, const std::vector<Join>& joins) {
  for (const Join& join : joins)
    EXPECT_TRUE(cover.left[as_index(join.left)] != 0 || cover.right[as_index(join.right)] != 0)
        << join.left << " - " << join.right;
}

/// Tries every set of left vertices: what it leaves uncovered the right ends must cover. The fewest
/// vertices, and the most left ones among as few.
std::pair<std::int64_t, std::int64_t> by_trying(std::int32_t left, const std::vector<Join>& joins) {
  std::pair<std::int64_t, std::int64_t> best{left, -left};
  for (unsigned chosen = 0; chosen < 1U << left; ++chosen) {
    unsigned right = 0;
    for (const Join& join : joins)
      if ((chosen >> join.left & 1U) == 0) right |= 1U << join.right;
    best = std::min(best, {std::popcount(chosen) + std::popcount(right), -std::popcount(chosen)});
  }
  return best;
}

TEST(VertexCover, IsTheLeastOfAllCovers) {
  std::mt19937 random(3);
  for (int trial = 0; trial < 400; ++trial) {
    const auto left = static_cast<std::int32_t>(1 + random() % 9);
    const auto right = static_cast<std::int32_t>(1 + random() % 9);
    const std::vector<Join> joins = random_joins(left, right, 2 + trial % 5, random);
    const VertexCover cover = minimum_vertex_cover(graph_of(left, right, joins));
    const auto [size, less_left] = by_trying(left, joins);
    expect_cover(cover, joins);
    EXPECT_EQ(size_of(cover), size);
    EXPECT_EQ(cover.matching, size) << "Koenig";
    EXPECT_EQ(std::count(cover.left.begin(), cover.left.end(), 1), -less_left)
        << "as many left vertices as a minimum cover can have";
  }
}

/// No matching is larger than a cover, so one of the same size proves that the cover is minimum.
TEST(VertexCover, OfALargeGraphIsAsLargeAsAMatching) {
  std::mt19937 random(4);
  for (const unsigned one_in : {30U, 100U, 400U, 2000U}) {
    const std::vector<Join> joins = random_joins(300, 400, one_in, random);
    const VertexCover cover = minimum_vertex_cover(graph_of(300, 400, joins));
    expect_cover(cover, joins);
    EXPECT_EQ(size_of(cover), cover.matching);
  }
}

/// A path on which every first choice is wrong: the augmenting path visits all vertices.
TEST(VertexCover, FindsLongPaths) {
  constexpr std::int32_t kLength = 5000;
  BipartiteGraph graph;
  graph.right_count = kLength;
  for (std::int32_t l = 0; l < kLength; ++l) {
    graph.right.push_back(l);
    if (l > 0) graph.right.insert(graph.right.end() - 1, l - 1);
    graph.offsets.push_back(std::ssize(graph.right));
  }
  std::reverse(graph.right.begin(), graph.right.end());
  for (std::int32_t l = 1; l < kLength; ++l) graph.offsets[as_index(l)] = 2 * std::int64_t{l};
  EXPECT_EQ(minimum_vertex_cover(graph).matching, kLength);
}

TEST(VertexCover, MayBeEmpty) {
  EXPECT_EQ(size_of(minimum_vertex_cover({})), 0);
  EXPECT_EQ(size_of(minimum_vertex_cover(graph_of(3, 2, {}))), 0);
}

/// A star is covered by its centre, on whichever side that is.
TEST(VertexCover, TakesTheCentreOfAStar) {
  EXPECT_EQ(minimum_vertex_cover(graph_of(1, 3, {{0, 0}, {0, 1}, {0, 2}})).left[0], 1);
  EXPECT_EQ(minimum_vertex_cover(graph_of(3, 1, {{0, 0}, {1, 0}, {2, 0}})).right[0], 1);
}

/// Rank 1 of three: a user that reaches two items of rank 0 is copied there, an item of rank 2 that
/// two users reach is copied here, and own edges are nobody's concern.
TEST(CutCover, CoversTheEdgesToEachRankByItself) {
  GraphEdges edges;
  edges.full = {{7, {0, 40}}, {7, {1, 3}}, {8, {2, 40}}};
  edges.light = {{7, {0, 41}}, {9, {2, 40}}, {9, {1, 4}}};
  const CutCover cover = cover_cut_edges(edges, 1, 3);
  EXPECT_EQ(cover.full_at_traveller, (std::vector<bool>{true, false, false}));
  EXPECT_EQ(cover.light_at_traveller, (std::vector<bool>{true, false, false}));
  EXPECT_EQ(cover.anchors, (std::vector<std::int64_t>{1, 0, 0}));
  EXPECT_EQ(cover.travellers, (std::vector<std::int64_t>{0, 0, 1}));
  EXPECT_EQ(cover.rows(), 2);
}

}  // namespace
}  // namespace siren::test
