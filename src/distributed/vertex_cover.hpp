// SPDX-License-Identifier: Apache-2.0
// The least rows that must cross between two ranks. An edge whose ends two ranks own needs a copy of
// one end at the other's rank, so the ends that are copied cover the edges: the fewest are a minimum
// vertex cover of the bipartite graph of the cut edges. By Koenig's theorem it is as large as a
// maximum matching, which Hopcroft and Karp's algorithm finds in O(edges sqrt(vertices)) time.
#pragma once

#include <cstdint>
#include <vector>

#include "distributed/adjacency.hpp"

namespace siren::inline distributed {

/// Left vertex l is joined to the right vertices right[offsets[l]] .. right[offsets[l + 1] - 1].
struct BipartiteGraph {
  std::vector<std::int64_t> offsets{0};  // [left vertices + 1]
  std::vector<std::int32_t> right;       // in [0, right_count); an edge may stand there twice
  std::int32_t right_count = 0;
};

/// Which vertices cover every edge; of the minimum covers the one with the most left vertices.
struct VertexCover {
  std::vector<std::uint8_t> left;   // [left vertices] 1: in the cover
  std::vector<std::uint8_t> right;  // [right_count]
  std::int64_t matching = 0;        // edges of a maximum matching: as many as vertices in the cover
};

/// Takes O(edges + vertices) memory. Deterministic.
VertexCover minimum_vertex_cover(const BipartiteGraph& graph);

/// A minimum vertex cover of the cut edges of one rank, for each of the other ranks by itself.
struct CutCover {
  /// [edges.full], [edges.light]: whether the edge is not covered by its traveller, so that its
  /// anchor must be copied to the traveller's rank.
  std::vector<bool> full_at_traveller;
  std::vector<bool> light_at_traveller;
  std::vector<std::int64_t> travellers;  // [ranks] rows of that rank in the cover: copied here
  std::vector<std::int64_t> anchors;     // [ranks] rows of this rank in the cover: copied there

  /// Rows that are copied either way.
  std::int64_t rows() const;
};

/// `edges` are anchored at rows of `rank`, in any numbering of rows from 0 of its own; travellers' rows
/// are numbered at their owners. Takes O(edges) memory.
CutCover cover_cut_edges(const GraphEdges& edges, int rank, int ranks);

}  // namespace siren::inline distributed
