// SPDX-License-Identifier: Apache-2.0
// What training would take on some number of ranks, by a trial partition in one process: memory and
// halo rows exactly as a run reports them, and the work of a step at most.
#pragma once

#include <cstdint>
#include <vector>

#include "distributed/loader.hpp"
#include "siren/config.hpp"
#include "train/training.hpp"

namespace siren::inline observe {

/// Of one rank.
struct RankPlan {
  std::vector<MemoryUse> memory;  // Training::memory() of a run that has not done a step
  std::int64_t batch_bytes = 0;   // that a step's rows then add, at most
  std::int64_t rows_sent = 0;     // per layer: Training::rows_sent_per_layer()
  std::int64_t bytes_sent = 0;    // per step, rows of layers and of the batch, at most
  std::int64_t edges = 0;         // of the graph, whose sums are made here
  std::int64_t ratings = 0;       // that carry a loss term
  WorkDone work;                  // per step, at most

  std::int64_t bytes() const;
};

/// `whole` is loaded by one rank. One element for each of `ranks` ranks.
std::vector<RankPlan> plan_ranks(const LoadedData& whole, const DataConfig& data,
                                 const TrainConfig& config, int ranks);

}  // namespace siren::inline observe
