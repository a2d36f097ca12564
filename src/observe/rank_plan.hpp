// SPDX-License-Identifier: Apache-2.0
// What training would take on some number of ranks, by a trial partition in one process: memory and
// rows sent exactly as a run reports them, and the work of a step at most.
#pragma once

#include <cstdint>
#include <vector>

#include "distributed/graph_count.hpp"
#include "distributed/loader.hpp"
#include "distributed/partition.hpp"
#include "distributed/row_traffic.hpp"
#include "observe/first_batch.hpp"
#include "siren/config.hpp"
#include "train/training.hpp"
#include "train/training_memory.hpp"

namespace siren::inline observe {

/// Of one rank. Bytes are those of a step.
struct RankPlan {
  std::vector<MemoryUse> memory;  // Training::memory() of a run that has not done a step
  std::int64_t batch_bytes = 0;   // of memory, that a step's rows then add, at most
  std::int64_t rows_sent = 0;     // per layer: Training::rows_sent_per_layer()
  std::int64_t layer_bytes = 0;   // sent in all layers, both directions
  std::int64_t row_bytes = 0;     // sent of the batch: its rows, and their gradients back
  std::int64_t sum_bytes = 0;     // sent in the all-reduce of gradients that all ranks share
  std::int64_t edges = 0;         // of the graph, whose sums are made here
  std::int64_t halo_edges = 0;    // of these, at halo rows
  std::int64_t ratings = 0;       // that carry a loss term
  WorkDone work;                  // at most

  std::int64_t bytes() const;
  std::int64_t bytes_sent() const { return layer_bytes + row_bytes; }
};

/// Of all ranks of a partition.
struct LayoutPlan {
  std::vector<RankPlan> ranks;
  int layers = 0;
  // Rows of an expand; a fold sends as many back. Bytes are those of a counted row.
  RowTraffic layer_rows;
  std::int64_t layer_row_bytes = 0;
  RowTraffic batch_rows;  // of the engagement branch
  std::int64_t batch_row_bytes = 0;
  RowTraffic polarity_rows;  // of all batches of a step together
  std::int64_t polarity_row_bytes = 0;
  std::int64_t polarity_batches = 0;
};

/// A partition, and what every rank has by it. Borrows `whole`, which one rank has loaded.
class LayoutTrial {
 public:
  /// Of `config` it knows the model's kind and its edges; of `data`, partition and travel.
  LayoutTrial(const LoadedData& whole, const DataConfig& data, const TrainConfig& config,
              int ranks);

  /// Rows of the batch are those of the first step.
  LayoutPlan plan(const TrainConfig& config, const FirstBatch& batch) const;
  /// For `scale` times as many users, items and ratings of each kind: every node has as many ratings
  /// as here, so that it needs as many ranks; batches are no larger. Rows of the batch at most.
  LayoutPlan plan_scaled(const TrainConfig& config, std::int64_t scale) const;

 private:
  /// Owned by a rank.
  struct Rows {
    std::int64_t users;
    std::int64_t items;
    std::int64_t all() const { return users + items; }
  };
  struct Sizes {
    std::int64_t users;
    std::int64_t items;
    std::int64_t trainable;
    std::int64_t steps;  // of an epoch
  };
  Sizes sizes(const TrainConfig& config, std::int64_t scale) const;
  LayoutPlan start(const TrainConfig& config, std::int64_t scale) const;
  RankPlan plan_of(const TrainConfig& config, const Sizes& sizes, int rank,
                   std::int64_t scale) const;
  void add_sum_bytes(const TrainConfig& config, std::int64_t batches, LayoutPlan& plan) const;
  HaloMemory most_halo_memory(const TrainConfig& config, std::int64_t rows_sent) const;

  const TrainingSet& train_;
  int ranks_;
  Partition partition_;
  RowTraffic layer_rows_;
  std::vector<CountedPart> parts_;    // [ranks]
  std::vector<RatingCounts> counts_;  // [ranks]
};

}  // namespace siren::inline observe
