// SPDX-License-Identifier: Apache-2.0
// What a rank's part of the graph says, in global nodes.
#pragma once

#include <algorithm>
#include <vector>

#include "distributed/adjacency.hpp"

namespace siren::test {

struct Edge {
  NodeId anchor;
  NodeId traveller;
  bool light = false;  // weighs less than 1
  friend auto operator<=>(const Edge&, const Edge&) =
      default;  // NOLINT(modernize-use-nullptr): false alarm of version 14
};

/// Whether entry e of row r is in the run of light columns.
inline bool is_light(const Csr& csr, std::int64_t r, std::int64_t e) {
  return !csr.split.empty() && e < csr.split[static_cast<std::size_t>(r)];
}

/// One layout a rank.
inline std::vector<Layout> layouts_of(const Partition& partition, int ranks,
                                      std::int64_t dimension = 4) {
  std::vector<Layout> all;
  for (int rank = 0; rank < ranks; ++rank) all.emplace_back(partition, rank, ranks, dimension);
  return all;
}

/// Global nodes of the halo rows.
inline std::vector<NodeId> halo_nodes(const Adjacency& graph, const std::vector<Layout>& layouts) {
  std::vector<NodeId> nodes;
  std::size_t next = 0;
  for (std::size_t owner = 0; owner < graph.halo_counts.size(); ++owner)
    for (std::int64_t n = 0; n < graph.halo_counts[owner]; ++n)
      nodes.push_back(layouts[owner].node_of(graph.halo_row_at_owner[next++]));
  return nodes;
}

/// Calls edge(node of the row, node of the column, is light) for each entry. row_node(r), `halo`: what
/// rows from graph.rows on are copies of.
template <class RowNode, class Body>
void for_entries(const Adjacency& graph, const Csr& csr, const Layout& own,
                 const std::vector<NodeId>& halo, const RowNode& row_node, const Body& edge) {
  for (std::int64_t r = 0; r < csr.rows(); ++r)
    for (std::int64_t e = csr.offsets[static_cast<std::size_t>(r)];
         e < csr.offsets[static_cast<std::size_t>(r) + 1]; ++e) {
      const LocalRow column = csr.columns[static_cast<std::size_t>(e)];
      edge(row_node(r),
           column < graph.rows ? own.node_of(column)
                               : halo[static_cast<std::size_t>(column - graph.rows)],
           is_light(csr, r, e));
    }
}

/// Whether a halo row is of the anchored side: a user's, where rows of both sides travel.
inline bool is_anchored_halo(const Adjacency& graph, const Layout& own, NodeId node) {
  return graph.both_travel && node < own.all_users();
}

/// The edges as listed from the rows of the anchored side, owned ones first, then the halo.
inline std::vector<Edge> edges_from_anchors(const Adjacency& graph, const Layout& own,
                                            const std::vector<Layout>& layouts) {
  const std::vector<NodeId> halo = halo_nodes(graph, layouts);
  std::vector<Edge> edges;
  for_entries(
      graph, graph.by_anchor, own, halo,
      [&](std::int64_t r) { return own.node_of(static_cast<LocalRow>(graph.anchored.begin + r)); },
      [&](NodeId row, NodeId column, bool light) {
        edges.push_back({row, column, light});
      });
  for_entries(
      graph, graph.by_halo, own, halo,
      [&](std::int64_t r) { return halo[static_cast<std::size_t>(r)]; },
      [&](NodeId row, NodeId column, bool light) {
        if (is_anchored_halo(graph, own, row)) edges.push_back({row, column, light});
      });
  return edges;
}

/// The same from the rows of the travelling side.
inline std::vector<Edge> edges_from_travellers(const Adjacency& graph, const Layout& own,
                                               const std::vector<Layout>& layouts) {
  const std::vector<NodeId> halo = halo_nodes(graph, layouts);
  std::vector<Edge> edges;
  for_entries(
      graph, graph.by_traveller, own, halo,
      [&](std::int64_t r) {
        return own.node_of(static_cast<LocalRow>(graph.travelling.begin + r));
      },
      [&](NodeId row, NodeId column, bool light) {
        edges.push_back({column, row, light});
      });
  for_entries(
      graph, graph.by_halo, own, halo,
      [&](std::int64_t r) { return halo[static_cast<std::size_t>(r)]; },
      [&](NodeId row, NodeId column, bool light) {
        if (!is_anchored_halo(graph, own, row)) edges.push_back({column, row, light});
      });
  return edges;
}

}  // namespace siren::test
