// SPDX-License-Identifier: Apache-2.0
// What a step has to do on a rank, in units that the machine's limits are measured in. Counted by
// the trainer from the batch it had, and by the plan from the batch there will be.
#pragma once

#include <cstdint>

#include "siren/config.hpp"
#include "train/training.hpp"

namespace siren::inline train {

/// What a step sums over ranks besides gradients (Trainer, PolarityTrainer), in doubles.
inline constexpr std::int64_t kStepSums = 6;
inline constexpr std::int64_t kPolaritySums = 4;

/// A rank's part of a step.
struct StepShare {
  std::int64_t rows;    // owned
  std::int64_t needed;  // of them by the batch
  std::int64_t scores;  // of the batch that are computed here
  std::int64_t real_bytes;
  std::int64_t stored_bytes;
};

/// A rank's part of the batches of the polarity branch.
struct PolarityShare {
  std::int64_t ratings;
  std::int64_t rows;    // owned, once for each batch: Adam visits them all
  std::int64_t needed;  // of them by the batches
  std::int64_t real_bytes;
};

/// All of WorkDone but edge_visits, which depend on the graph, of a step without a polarity branch.
WorkDone step_work(const TrainConfig& config, const StepShare& share);

/// Visits of its rows count as the part of a row of the engagement branch that they are.
void add_polarity_work(const TrainConfig& config, const PolarityShare& share, WorkDone& work);

}  // namespace siren::inline train
