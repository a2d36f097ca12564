// SPDX-License-Identifier: Apache-2.0
// Who owns which users and items. A partition is measured by the rows it makes ranks send per layer
// and by its balance, not by the edges it cuts (`siren plan` prints both).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "siren/config.hpp"
#include "siren/ids.hpp"

namespace siren::inline distributed {

/// Owner rank per user and item, the same on every rank. The users' part is only needed while data
/// is loaded; the items' part lives on, packed, in Layout.
struct Partition {
  std::vector<std::int32_t> user_owner;  // [M]
  std::vector<std::int32_t> item_owner;  // [N]
};

/// What a row of the anchored side costs besides its edges: an optimiser step and the ends of its
/// sums, in edges (measured: tests/bench/README.md).
inline constexpr std::int32_t kEdgesPerRow = 3;

/// What every row of a side weighs. An edge is worked where its anchored end lives.
///
///   anchored     its edges + kEdgesPerRow
///   travelling   its edges + the mean of the side (and one, so that no row weighs nothing): its
///                edges are others' work, but a popular row is in more batches
std::vector<std::int32_t> row_weights(std::vector<std::int32_t> edges, bool anchored);

/// Training ratings that are edges of the graph, whatever they weigh there: how many every node has,
/// and which.
struct RatingEdges {
  std::vector<std::int32_t> of_user;  // [M]
  std::vector<std::int32_t> of_item;  // [N]
  /// Items of every user's edges, user after user; empty unless the partitioner looks_at_edges().
  std::vector<ItemId> items;
};

/// What a partitioner may look at. Weights estimate the work of a row: see row_weights().
struct PartitionInput {
  std::span<const std::int32_t> user_weight;  // [M]
  std::span<const std::int32_t> item_weight;  // [N]
  int ranks;
  std::uint32_t seed;
  const RatingEdges* edges = nullptr;
  bool items_travel = true;
};

/// Contiguous ranges of ids of about equal weight.
Partition partition_block(const PartitionInput& input);

/// An owner drawn per node, keyed by its global id.
Partition partition_random(const PartitionInput& input);

/// Makes ranks send few rows: METIS divides the graph so that travelling rows are used by as
/// few ranks as possible besides their owner, the weights of each side being balanced. One process
/// holds the whole graph meanwhile, in both directions: 8 B an edge and 24 B a node besides
/// what METIS takes itself. InputError if METIS cannot count so many; EnvironmentError if it fails.
Partition partition_metis(const PartitionInput& input);

/// Makes ranks send few rows, by one greedy pass over the anchored rows and one over the others, in
/// order of their ids: a rank has at most 1.02 of its share of the anchored weight and 1.05 of the
/// other, besides one row. Takes O(edges ranks) time, 4 B for each travelling row and rank, and 4 B an
/// edge if users travel. Nothing is drawn, and no count has 32 bits.
Partition partition_stream(const PartitionInput& input);

using Partitioner = Partition (*)(const PartitionInput&);

Partitioner partitioner(Partitioning choice);

/// Whether that partitioner needs RatingEdges::items.
constexpr bool looks_at_edges(Partitioning choice) {
  return choice == Partitioning::kMetis || choice == Partitioning::kStream;
}

/// The partition of that partitioner with rows of row_weights(): what training uses.
Partition partition_by_work(Partitioning choice, const RatingEdges& edges, bool items_travel,
                            int ranks, std::uint32_t seed);

}  // namespace siren::inline distributed
