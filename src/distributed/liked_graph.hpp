// SPDX-License-Identifier: Apache-2.0
// From the training ratings, which live with their users, to this rank's part of the graph: of the
// liked ones, or of all.
#pragma once

#include "data/training_set.hpp"
#include "distributed/adjacency.hpp"
#include "siren/communicator.hpp"

namespace siren::inline distributed {

struct GraphShape {
  Travel travel = Travel::kItems;
  /// kappa in [0, 1]: what disliked and neutral ratings weigh, liked ones weighing 1. 0: those are
  /// no edges.
  double edge_weight = 0.0;
};

/// Whether ratings of this sign are edges.
constexpr bool is_edge(std::int8_t sign, double edge_weight) {
  return sign > 0 || edge_weight > 0.0;
}
/// Whether an edge of this sign weighs less than 1.
constexpr bool is_light(std::int8_t sign, double edge_weight) {
  return sign <= 0 && edge_weight < 1.0;
}
/// The run of `edges` to which an edge of this sign belongs.
inline std::vector<AnchoredEdge>& run_of(std::int8_t sign, GraphEdges& edges) {
  return is_light(sign, edges.light_weight) ? edges.light : edges.full;
}
/// How many edges every item has, over all ranks [N].
inline const std::vector<std::int32_t>& item_edges(const TrainingSet& set, double edge_weight) {
  return edge_weight > 0.0 ? set.item_degree : set.item_likes;
}

/// Collective. With Travel::kUsers the edges move to the ranks of their items, with Travel::kCover
/// those that no copy of their item covers; the ratings themselves stay where they are.
Adjacency make_graph(const Communicator& comm, const Layout& layout, const TrainingSet& set,
                     const GraphShape& shape);

}  // namespace siren::inline distributed
