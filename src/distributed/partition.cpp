// SPDX-License-Identifier: Apache-2.0
#include "distributed/partition.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "core/rng.hpp"
#include "siren/check.hpp"

namespace siren::inline distributed {

namespace {

/// Node i goes to the rank in whose share of the total weight the middle of the node lies; the last
/// rank takes the nodes without weight at the end.
std::vector<std::int32_t> balanced_ranges(std::span<const std::int32_t> weight, int ranks) {
  const std::int64_t total = std::accumulate(weight.begin(), weight.end(), std::int64_t{0});
  std::vector<std::int32_t> owner;
  owner.reserve(weight.size());
  std::int64_t before = 0;
  for (const std::int32_t w : weight) {
    const auto twice_middle = static_cast<double>(2 * before + w);
    const double share = total == 0 ? 0.0 : twice_middle / (2.0 * static_cast<double>(total));
    owner.push_back(std::min(static_cast<std::int32_t>(share * ranks), ranks - 1));
    before += w;
  }
  return owner;
}

std::vector<std::int32_t> drawn(NodeId first, std::size_t count, const PartitionInput& input) {
  std::vector<std::int32_t> owner;
  owner.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const NodeId node = first + static_cast<NodeId>(i);
    const RandomBlock bits =
        random_block(input.seed, Purpose::kPartition, {low_word(node), high_word(node), 0, 0});
    owner.push_back(static_cast<std::int32_t>(
        scale_to(bits[0], bits[1], static_cast<std::uint64_t>(input.ranks))));
  }
  return owner;
}

}  // namespace

std::vector<std::int32_t> row_weights(std::vector<std::int32_t> edges, bool anchored) {
  std::int32_t own = kEdgesPerRow;
  if (!anchored) {
    const std::int64_t all = std::accumulate(edges.begin(), edges.end(), std::int64_t{0});
    own = 1 + static_cast<std::int32_t>(all / std::max<std::int64_t>(std::ssize(edges), 1));
  }
  for (std::int32_t& weight : edges) weight += own;
  return edges;
}

Partition partition_block(const PartitionInput& input) {
  return {balanced_ranges(input.user_weight, input.ranks),
          balanced_ranges(input.item_weight, input.ranks)};
}

Partition partition_random(const PartitionInput& input) {
  return {drawn(0, input.user_weight.size(), input),
          drawn(static_cast<NodeId>(input.user_weight.size()), input.item_weight.size(), input)};
}

Partitioner partitioner(Partitioning choice) {
  switch (choice) {
    case Partitioning::kBlock:
      return partition_block;
    case Partitioning::kRandom:
      return partition_random;
    case Partitioning::kMetis:
      return partition_metis;
    case Partitioning::kStream:
      return partition_stream;
  }
  SIREN_ASSERT(false, "partitioner {}", static_cast<int>(choice));
  return partition_block;
}

Partition partition_by_work(Partitioning choice, const RatingEdges& edges, bool items_travel,
                            int ranks, std::uint32_t seed) {
  const auto user_weight = row_weights(edges.of_user, items_travel);
  const auto item_weight = row_weights(edges.of_item, !items_travel);
  return partitioner(choice)({user_weight, item_weight, ranks, seed, &edges, items_travel});
}

}  // namespace siren::inline distributed
