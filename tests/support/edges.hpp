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

/// The edges as listed from the anchored rows, in order.
inline std::vector<Edge> edges_from_anchors(const Adjacency& graph, const Layout& own,
                                            const std::vector<Layout>& layouts) {
  const std::vector<NodeId> halo = halo_nodes(graph, layouts);
  std::vector<Edge> edges;
  for (std::int64_t r = 0; r < graph.by_anchor.rows(); ++r)
    for (std::int64_t e = graph.by_anchor.offsets[static_cast<std::size_t>(r)];
         e < graph.by_anchor.offsets[static_cast<std::size_t>(r) + 1]; ++e) {
      const LocalRow column = graph.by_anchor.columns[static_cast<std::size_t>(e)];
      const NodeId traveller = column < graph.rows
                                   ? own.node_of(column)
                                   : halo[static_cast<std::size_t>(column - graph.rows)];
      edges.push_back({own.node_of(static_cast<LocalRow>(graph.anchored.begin + r)), traveller,
                       is_light(graph.by_anchor, r, e)});
    }
  return edges;
}

/// The edges as listed from the travelling rows, owned ones first, then the halo.
inline std::vector<Edge> edges_from_travellers(const Adjacency& graph, const Layout& own,
                                               const std::vector<Layout>& layouts) {
  const std::vector<NodeId> halo = halo_nodes(graph, layouts);
  std::vector<Edge> edges;
  const auto list = [&](const Csr& csr, const auto& node_of_row) {
    for (std::int64_t r = 0; r < csr.rows(); ++r)
      for (std::int64_t e = csr.offsets[static_cast<std::size_t>(r)];
           e < csr.offsets[static_cast<std::size_t>(r) + 1]; ++e)
        edges.push_back({own.node_of(csr.columns[static_cast<std::size_t>(e)]), node_of_row(r),
                         is_light(csr, r, e)});
  };
  list(graph.by_traveller, [&](std::int64_t r) {
    return own.node_of(static_cast<LocalRow>(graph.travelling.begin + r));
  });
  list(graph.by_halo, [&](std::int64_t r) { return halo[static_cast<std::size_t>(r)]; });
  return edges;
}

}  // namespace siren::test
