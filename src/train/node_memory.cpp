// SPDX-License-Identifier: Apache-2.0
#include "train/node_memory.hpp"

#include <fmt/format.h>

#include "core/host.hpp"
#include "core/text.hpp"
#include "siren/error.hpp"
#include "train/training_memory.hpp"

namespace siren::inline train {

namespace {

constexpr double kGigabyte = 1e9;

/// Bytes; 0: unknown.
std::int64_t limit_of(const NodeMemory& node, const TrainConfig& config) {
  return config.memory_limit > 0.0 ? static_cast<std::int64_t>(config.memory_limit * kGigabyte)
                                   : node.available;
}

}  // namespace

std::int64_t least_bytes(const DatasetSummary& data, const TrainConfig& config, int ranks) {
  GraphSize graph;  // without edges and halo rows, which the partition decides
  graph.rows = (data.users + data.items) / ranks;
  graph.bytes = Adjacency::row_bytes(graph.rows, 0);
  const RatingCounts counts{data.users / ranks, data.ratings / ranks};
  std::int64_t least = 0;
  for (const MemoryUse& use :
       training_memory(config, {graph,
                                counts,
                                0,
                                data.users,
                                data.items,
                                {},
                                model_spec(config).polarity > 0 ? data.ratings : 0}))
    least += use.bytes;
  return least;
}

NodeMemory node_memory(const Communicator& job) {
  return {job.ranks_on_node(), job.size(), available_memory()};
}

bool has_memory(const Communicator& comm, const NodeMemory& node, const DatasetSummary& data,
                const TrainConfig& config, std::int64_t times) {
  const std::int64_t limit = limit_of(node, config);
  const std::int64_t needed = times * node.ranks * least_bytes(data, config, comm.size());
  return comm.all_reduce(std::int32_t{limit == 0 || needed <= limit}, Reduction::kMin) != 0;
}

void check_memory(const Communicator& comm, const NodeMemory& node, const DatasetSummary& data,
                  const TrainConfig& config) {
  const std::int64_t needed = node.ranks * least_bytes(data, config, comm.size());
  const std::int64_t limit = limit_of(node, config);
  agree_on_input(comm, [&] {
    if (limit == 0 || needed <= limit) return;
    throw InputError(fmt::format(
        "{} has {} of memory{}, but its {} rank(s) of {} need at least {}; use more nodes, a "
        "smaller --dim or --storage, or another --memory-limit",
        host_name(), human_bytes(limit), config.memory_limit > 0.0 ? " by --memory-limit" : "",
        node.ranks, node.of_job, human_bytes(needed)));
  });
}

}  // namespace siren::inline train
