// SPDX-License-Identifier: Apache-2.0
// The loss of a step: which batch it takes, whose rows that needs, and what it gives to their
// gradients. What a batch consists of is the loss's own business: ratings with sampled negatives
// (train/sampled_step_loss.hpp) or users against the catalogue (train/catalogue_step_loss.hpp).
//
// A batch is planned one step ahead, so that what ranks must tell each other travels during the step
// before. In the step, rows of Z of one side of the batch travel to the ranks that score them (expand
// by batch.exchange), and gradients travel back, where they are added in order of rank (fold).
#pragma once

#include <cstdint>
#include <memory>

#include "distributed/step_batch.hpp"
#include "math/matrix.hpp"
#include "model/parameter_set.hpp"
#include "model/sampled_loss.hpp"
#include "train/training.hpp"

namespace siren::inline train {

template <class Precision>
class StepLoss {
 public:
  using Real = typename Precision::Real;
  using Stored = typename Precision::Stored;

  virtual ~StepLoss() = default;

  virtual std::int64_t steps_per_epoch() const = 0;

  /// Starts to plan a step. Collective in order, like progress-free nonblocking calls.
  virtual void begin(std::int64_t step) = 0;
  /// Lets the plan's messages move.
  virtual void progress() = 0;
  /// The batch begun; valid until the next is finished. Collective.
  virtual const StepBatch& finish() = 0;
  /// The one finished last.
  virtual const StepBatch& finished() const = 0;

  /// z [needed x d] and travelled [slot_count x d] are rows of Z; the gradient of the loss is added
  /// to dz [needed x d] and assigned to travelled_gradient [slot_count x d]. Collective for some.
  virtual LossSum add(const ParameterSet<Real>& parameters, const Matrix<Real>& z,
                      const Matrix<Stored>& travelled, Matrix<Real>& dz,
                      Matrix<Real>& travelled_gradient) = 0;

  /// How many scores of the batch finished last are computed on this rank.
  virtual std::int64_t scores() const = 0;

  /// What the gradients of parameters get besides, when those through Z are complete.
  virtual void finish_gradients(const ParameterSet<Real>& /*parameters*/,
                                Gradients<Real>& /*gradients*/) {}
};

/// Collective. Steps of an epoch with config.loss.
std::int64_t steps_in_epoch(const Communicator& comm, const TrainingSet& set,
                            const TrainConfig& config);

/// Collective. The loss of config.loss.
template <class Precision>
std::unique_ptr<StepLoss<Precision>> make_step_loss(const TrainingInputs& inputs,
                                                    const TrainConfig& config, Isa isa,
                                                    PhaseClock& clock);

}  // namespace siren::inline train
