// SPDX-License-Identifier: Apache-2.0
// What training holds in memory on a rank, in one place: a run that starts reports it, `siren plan`
// predicts it for any number of ranks, and a start that cannot fit is refused by a part of it.
#pragma once

#include <cstdint>
#include <vector>

#include "data/training_set.hpp"
#include "distributed/adjacency.hpp"
#include "distributed/propagation.hpp"
#include "events/events.hpp"
#include "siren/config.hpp"

namespace siren::inline train {

/// Ratings of some users, as far as the size of arrays depends on them.
struct RatingCounts {
  std::int64_t users = 0;
  std::int64_t ratings = 0;
  std::int64_t trainable = 0;  // of them, those that carry a loss term
  std::int64_t disliked = 0;
  std::int64_t filter_words = 0;  // RatedFilter::words() of each user

  /// Adds a user of `set`, by local row.
  void add(const TrainingSet& set, std::int64_t user);
};

/// A rank's part of the data.
struct MemoryShare {
  GraphSize graph;
  RatingCounts ratings;
  std::int64_t steps_per_epoch = 0;
  std::int64_t all_users = 0;
  std::int64_t all_items = 0;
  HaloMemory halo;
  std::int64_t polarity_ratings = 0;  // over all ranks; 0: no polarity branch is trained
};

/// Bytes by kind: what a Training and what it borrows (TrainingInputs) allocate before the first
/// step. Rows of a batch, which a step adds, are not in it.
std::vector<MemoryUse> training_memory(const TrainConfig& config, const MemoryShare& share);

}  // namespace siren::inline train
