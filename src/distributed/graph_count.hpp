// SPDX-License-Identifier: Apache-2.0
// How large every rank's part of the graph would be, without making it: for plans.
#pragma once

#include <cstdint>
#include <vector>

#include "data/training_set.hpp"
#include "distributed/adjacency.hpp"
#include "distributed/liked_graph.hpp"
#include "distributed/partition.hpp"

namespace siren::inline distributed {

/// One rank's part.
struct CountedPart {
  GraphSize size;
  std::int64_t edges = 0;  // anchored here
  /// Copies of its travelling rows: one for each other rank that needs the row.
  std::int64_t rows_expanded = 0;
};

/// What make_graph() would make on each of `ranks` ranks of this partition: by one pass over the
/// ratings, which one process holds all, users in order of their ids. O(N + ranks) memory besides, and
/// with items that travel O(M).
std::vector<CountedPart> count_graph(const Partition& partition, int ranks,
                                     const UserRatings& ratings, const GraphShape& shape);

/// About `most_edges` of a lone rank's edges in each order, or all where there are fewer: every
/// so-many-th run of neighbouring users, and of neighbouring items. Columns are rows of all users and
/// items, so that tables are read as by all edges; rows that are not in the sample are left out.
/// Without degrees and weights.
Adjacency sample_graph(const TrainingSet& set, const GraphShape& shape, std::int64_t most_edges);

}  // namespace siren::inline distributed
