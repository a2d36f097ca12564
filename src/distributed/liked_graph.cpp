// SPDX-License-Identifier: Apache-2.0
#include "distributed/liked_graph.hpp"

#include <algorithm>

#include "distributed/vertex_cover.hpp"
#include "siren/ids.hpp"

namespace siren::inline distributed {

namespace {

GraphEdges edges_at_users(const Layout& layout, const UserRatings& ratings, double edge_weight) {
  GraphEdges edges;
  edges.light_weight = edge_weight;
  for (std::int64_t user = 0; user < ratings.users(); ++user)
    for (EdgeOffset e = ratings.offsets[as_index(user)]; e < ratings.offsets[as_index(user) + 1];
         ++e) {
      const std::int8_t sign = ratings.signs[as_index(e)];
      if (is_edge(sign, edge_weight))
        run_of(sign, edges)
            .push_back(
                {static_cast<LocalRow>(user), layout.address_of_item(ratings.items[as_index(e)])});
    }
  return edges;
}

/// Edges anchored at this rank's users become edges anchored at its items.
std::vector<AnchoredEdge> mirrored(const Communicator& comm, std::vector<AnchoredEdge> edges) {
  std::stable_sort(edges.begin(), edges.end(), [](const AnchoredEdge& a, const AnchoredEdge& b) {
    return a.traveller.rank < b.traveller.rank;
  });
  std::vector<std::int64_t> counts(as_index(comm.size()), 0);
  for (AnchoredEdge& edge : edges) {
    ++counts[as_index(edge.traveller.rank)];
    edge = {edge.traveller.row, {comm.rank(), edge.anchor}};
  }
  return comm.all_to_all_v(std::span<const AnchoredEdge>(edges), counts).values;
}

/// Moves the edges that the cover anchors at items.
void move_uncovered(const Communicator& comm, GraphEdges& edges) {
  const CutCover cover = cover_cut_edges(edges, comm.rank(), comm.size());
  const auto move = [&](std::vector<AnchoredEdge>& run, const std::vector<bool>& at_traveller) {
    std::vector<AnchoredEdge> kept;
    std::vector<AnchoredEdge> moved;
    for (std::size_t e = 0; e < run.size(); ++e) (at_traveller[e] ? moved : kept).push_back(run[e]);
    const std::vector<AnchoredEdge> arrived = mirrored(comm, std::move(moved));
    kept.insert(kept.end(), arrived.begin(), arrived.end());
    run = std::move(kept);
  };
  move(edges.full, cover.full_at_traveller);
  move(edges.light, cover.light_at_traveller);
}

/// Weight of the edges of every owned row, over all ranks.
std::vector<double> degrees(const Layout& layout, const TrainingSet& set, double edge_weight) {
  std::vector<double> degree;
  degree.reserve(as_index(layout.rows()));
  const auto add = [&](std::int64_t likes, std::int64_t ratings) {
    degree.push_back(static_cast<double>(likes) +
                     edge_weight * static_cast<double>(ratings - likes));
  };
  for (std::int64_t user = 0; user < layout.users(); ++user) {
    const auto first = set.ratings.signs.begin() + set.ratings.offsets[as_index(user)];
    const auto last = set.ratings.signs.begin() + set.ratings.offsets[as_index(user) + 1];
    add(std::count_if(first, last, [](std::int8_t sign) { return sign > 0; }), last - first);
  }
  for (const ItemId item : layout.owned_items())
    add(set.item_likes[as_index(item)], set.item_degree[as_index(item)]);
  return degree;
}

}  // namespace

Adjacency make_graph(const Communicator& comm, const Layout& layout, const TrainingSet& set,
                     const GraphShape& shape) {
  GraphEdges edges = edges_at_users(layout, set.ratings, shape.edge_weight);
  if (shape.travel == Travel::kUsers)
    for (auto* run : {&edges.full, &edges.light}) *run = mirrored(comm, std::move(*run));
  if (shape.travel == Travel::kCover) move_uncovered(comm, edges);
  return make_adjacency(layout, shape.travel, edges, degrees(layout, set, shape.edge_weight));
}

}  // namespace siren::inline distributed
