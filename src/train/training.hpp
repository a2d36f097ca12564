// SPDX-License-Identifier: Apache-2.0
// A training run as the rest of the program sees it, independent of its number types. The algorithm
// is in train/trainer.hpp.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/timer.hpp"
#include "data/training_set.hpp"
#include "distributed/adjacency.hpp"
#include "distributed/layout.hpp"
#include "distributed/machine_limits.hpp"
#include "events/events.hpp"
#include "math/isa.hpp"
#include "model/embeddings.hpp"
#include "siren/communicator.hpp"
#include "siren/config.hpp"
#include "train/state_tensor.hpp"

namespace siren::inline train {

/// What a rank may ask for in a step. If any rank does, all do the same behind that step.
struct StepVotes {
  bool stop = false;
  bool checkpoint = false;
};

/// Of the batches of the polarity branch in a step, over all ranks.
struct PolaritySums {
  double loss = 0.0;
  double reg = 0.0;
  std::int64_t ratings = 0;
  bool finite = true;
};

/// What one step found, the same on every rank.
struct StepReport {
  std::int64_t step = 0;
  std::int32_t epoch = 0;
  std::int64_t ratings = 0;  // in the global batch
  std::int64_t skipped = 0;  // of those, whose user left nothing to sample
  double weight = 0.0;       // of the batch: the number of its ratings, or the sum of their weights
  double loss = 0.0;         // batch sum / weight, without reg
  double reg = 0.0;          // likewise
  StepVotes votes;           // of all ranks together
  PolaritySums polarity;     // no ratings: nothing of the kind is trained
};

/// What this rank did since construction, for measuring its speed.
struct WorkDone {
  std::int64_t edge_visits = 0;   // table rows added up by the propagation
  std::int64_t batch_visits = 0;  // table rows that scores and gradients of the batch touched
  std::int64_t needed_rows = 0;   // rows of the batch that this rank owns
  std::int64_t flops = 0;         // of the dense products
  std::int64_t score_flops = 0;   // of products of users and the catalogue, with their gradients
  std::int64_t exponentials = 0;  // of those scores
  std::int64_t layer_bytes = 0;   // read and written in order by the propagation
  std::int64_t adam_bytes = 0;    // read and written by the optimiser
};
inline constexpr std::array kWorkParts = {
    &WorkDone::edge_visits, &WorkDone::batch_visits, &WorkDone::needed_rows, &WorkDone::flops,
    &WorkDone::score_flops, &WorkDone::exponentials, &WorkDone::layer_bytes, &WorkDone::adam_bytes};

class Training {
 public:
  virtual ~Training() = default;

  /// The next step. Collective. NotFinite (train/not_finite.hpp) if the loss is not finite or the
  /// step before left the state non-finite.
  virtual StepReport step() = 0;
  virtual std::int64_t steps_done() const = 0;
  virtual std::int64_t steps_per_epoch() const = 0;

  /// `voter` is asked once in every step, late enough that the answer is no older than its backward
  /// pass. Votes travel with the sums of the step.
  virtual void set_voter(std::function<StepVotes()> voter) = 0;

  /// Final rows of the owned users and items, without dropout. Collective. NotFinite if the last
  /// step left the state non-finite.
  virtual NodeTables embed() = 0;

  /// Everything that a checkpoint holds, in a fixed order. Pointers stay valid. Collective.
  /// NotFinite if the last step left it non-finite: such a state is never given away.
  virtual std::vector<StateTensor> state() = 0;
  /// After state() was overwritten: continue behind step `steps_done`. Collective.
  virtual void resume_at(std::int64_t steps_done) = 0;

  virtual PhaseClock& clock() = 0;
  virtual std::vector<MemoryUse> memory() const = 0;
  virtual std::int64_t rows_sent_per_layer() const = 0;
  virtual WorkDone work_done() const = 0;
  /// What the machine could do at best, for the same graph and number types. Collective.
  virtual MachineLimits measure_limits() const = 0;
};

/// What a Training borrows; all must outlive it.
struct TrainingInputs {
  const Communicator& comm;
  const Layout& layout;
  const TrainingSet& set;
  const Adjacency& graph;
};

/// Collective. Chooses the number types by config.storage, kernels by `isa`.
std::unique_ptr<Training> make_training(const TrainingInputs& inputs, const TrainConfig& config,
                                        Isa isa);

}  // namespace siren::inline train
