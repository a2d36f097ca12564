// SPDX-License-Identifier: Apache-2.0
// Whether a node's memory is enough for a run, before anything is loaded.
#pragma once

#include <cstdint>

#include "data/dataset_file.hpp"
#include "siren/communicator.hpp"
#include "siren/config.hpp"

namespace siren::inline train {

/// What training holds at least on each of `ranks` equal ranks: training_memory() without edges,
/// halo rows and the schedule of ratings, whose numbers are not known before loading.
std::int64_t least_bytes(const DatasetSummary& data, const TrainConfig& config, int ranks);

/// This rank's node, as a job finds it before it takes anything.
struct NodeMemory {
  int ranks = 0;               // of the job, whatever run they work for
  int of_job = 0;              // ranks on all nodes
  std::int64_t available = 0;  // bytes; 0: unknown
};
NodeMemory node_memory(const Communicator& job);

/// Collective. Whether every node can give `times` least_bytes to each rank of the job there. More
/// than once leaves room for what least_bytes does not count. True where the memory is not known.
bool has_memory(const Communicator& comm, const NodeMemory& node, const DatasetSummary& data,
                const TrainConfig& config, std::int64_t times);

/// Collective over the ranks of a run, on whose nodes the job's other ranks train runs of the same
/// size. InputError if a node cannot give least_bytes to each rank of the job there. The limit is
/// config.memory_limit, or what the node had.
void check_memory(const Communicator& comm, const NodeMemory& node, const DatasetSummary& data,
                  const TrainConfig& config);

}  // namespace siren::inline train
