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
  std::int64_t rows_expanded =
      0;  // copies of its travelling rows, one for each other rank that has one
};

/// What make_graph() would make on each of `ranks` ranks of this partition: by one pass over the
/// ratings, which one process holds all, users in order of their ids. O(N + ranks) memory besides, and
/// with items that travel O(M).
std::vector<CountedPart> count_graph(const Partition& partition, int ranks,
                                     const UserRatings& ratings, const GraphShape& shape);

/// A part of a rank's own edges as large as `most_edges`, or all of them where there are fewer: runs
/// of neighbouring users and, the other way round, of neighbouring items, evenly spread. Its columns
/// are rows of all users and items, so that it reads tables as all edges do. For a rank alone; without
/// degrees.
Adjacency sample_graph(const TrainingSet& set, const GraphShape& shape, std::int64_t most_edges);

}  // namespace siren::inline distributed
