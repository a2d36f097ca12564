// SPDX-License-Identifier: Apache-2.0
// How large every rank's part of the graph would be, without making it: for plans.
#pragma once

#include <cstdint>
#include <vector>

#include "data/training_set.hpp"
#include "distributed/adjacency.hpp"
#include "distributed/liked_graph.hpp"
#include "distributed/partition.hpp"
#include "distributed/row_traffic.hpp"

namespace siren::inline distributed {

/// One rank's part.
struct CountedPart {
  GraphSize size;
  std::int64_t edges = 0;       // that live here
  std::int64_t halo_edges = 0;  // of these, at rows of other ranks
  /// Copies of its rows that travel: one for each other rank that needs the row.
  std::int64_t rows_expanded = 0;
};

/// What make_graph() would make on each of `ranks` ranks of this partition: by one pass over the
/// ratings, which one process holds all, users in order of their ids. O(N + ranks) memory besides, and
/// with items that travel O(M), with Travel::kCover O(M) and the edges of one rank. `expanded`, of as
/// many ranks and unless null, gets the rows of an expand.
std::vector<CountedPart> count_graph(const Partition& partition, int ranks,
                                     const UserRatings& ratings, const GraphShape& shape,
                                     RowTraffic* expanded = nullptr);

/// Rows that all ranks together must copy at least in a layer, whatever travels: for each two ranks a
/// minimum vertex cover of the edges between them. Twice as many cross: each copy travels out and its
/// sum home. Time and memory as count_graph() with Travel::kCover.
std::int64_t least_copied_rows(const Partition& partition, int ranks, const UserRatings& ratings,
                               double edge_weight);

/// About `most_edges` of a lone rank's edges in each order, or all where there are fewer: every
/// so-many-th run of neighbouring users, and of neighbouring items. Columns are rows of all users and
/// items, so that tables are read as by all edges; rows that are not in the sample are left out.
/// Without degrees and weights.
Adjacency sample_graph(const TrainingSet& set, const GraphShape& shape, std::int64_t most_edges);

}  // namespace siren::inline distributed
