// SPDX-License-Identifier: Apache-2.0
// What a job begins with: which rank is where, on which processors, with how much of the work; and
// whether a node's memory is enough for it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "siren/comm/communicator.hpp"
#include "siren/io/dataset_file.hpp"
#include "siren/train/config.hpp"

namespace siren {

/// One rank's share.
struct RankStart {
  std::string host;
  std::string processors;  // on which it may run
  int node = 0;            // the lowest rank that shares its memory
  std::int64_t rows = 0;   // of users and items it owns
  std::int64_t halo_rows = 0;
  std::int64_t rows_sent = 0;  // per layer
  std::int64_t edges = 0;
  std::int64_t ratings = 0;
  std::int64_t bytes = 0;           // its arrays take
  std::int64_t node_available = 0;  // bytes its node could give to more; 0: unknown
};

/// The same on every rank.
struct StartReport {
  std::vector<RankStart> ranks;

  int nodes() const;
  /// Largest to mean over ranks of what `field` points to; 1 if all are zero.
  double balance(std::int64_t RankStart::*field) const;
};

/// Collective. Fills in host, processors, node and memory of `mine`.
StartReport gather_start(const Communicator& comm, RankStart mine);

/// By rank and by node (data/README.md).
nlohmann::ordered_json to_json(const StartReport& report);
/// For people, line by line.
std::vector<std::string> format_report(const StartReport& report);

/// What training holds at least on each of `ranks` equal ranks: tables, moments, gradients,
/// ratings, edges; without halo rows and the rows of a batch.
std::int64_t least_bytes(const DatasetSummary& data, const TrainConfig& config, int ranks);

/// This rank's node, as a job finds it before it takes anything.
struct NodeMemory {
  int ranks = 0;               // of the job, whatever run they work for
  int of_job = 0;              // ranks on all nodes
  std::int64_t available = 0;  // bytes; 0: unknown
};
NodeMemory node_memory(const Communicator& job);

/// Collective over the ranks of a run, on whose nodes the job's other ranks train runs of the same
/// size. InputError if a node cannot give least_bytes to each rank of the job there. The limit is
/// config.memory_limit, or what the node had.
void check_memory(const Communicator& comm,
                  const NodeMemory& node,
                  const DatasetSummary& data,
                  const TrainConfig& config);

}  // namespace siren
