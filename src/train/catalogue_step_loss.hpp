// SPDX-License-Identifier: Apache-2.0
// Batches of users against the whole catalogue (model/catalogue_loss.hpp): rows of users travel to
// all ranks, each of which scores its own items, so no row of an item ever moves. The L2 term is of
// the rows that are learnt, not of Z:
//
//   reg (sum_u W_u |X_u|^2 + sum_i w_i |X_i|^2),   W_u, w_i: sums of the batch's weights
//
// An item's bias lives with its owner, which alone scores it; it is not regularised.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "comm/ordered_sum.hpp"
#include "core/timer.hpp"
#include "data/shared_sampler.hpp"
#include "data/user_schedule.hpp"
#include "distributed/user_planner.hpp"
#include "model/catalogue_loss.hpp"
#include "train/step_loss.hpp"

namespace siren::inline train {

template <class Precision>
class CatalogueStepLoss final : public StepLoss<Precision> {
 public:
  using typename StepLoss<Precision>::Real;
  using typename StepLoss<Precision>::Stored;

  /// Collective. Borrows `inputs` and `clock`.
  CatalogueStepLoss(const TrainingInputs& inputs, const TrainConfig& config, Isa isa,
                    PhaseClock& clock);

  std::int64_t steps_per_epoch() const override { return schedule_.steps_per_epoch(); }
  void begin(std::int64_t step) override { planner_.begin(step); }
  void progress() override { planner_.progress(); }
  const StepBatch& finish() override { return planner_.finish(); }
  const StepBatch& finished() const override { return planner_.finished(); }
  LossSum add(const ParameterSet<Real>& parameters, const Matrix<Real>& z,
              const Matrix<Stored>& travelled, Matrix<Real>& dz,
              Matrix<Real>& travelled_gradient) override;
  void finish_gradients(const ParameterSet<Real>& parameters, Gradients<Real>& gradients) override;
  std::int64_t scores() const override {
    return planner_.finished().slot_count * planner_.finished().summed;
  }

 private:
  const Matrix<Real>& in_real(const Matrix<Stored>& rows);
  double regularisation(const ParameterSet<Real>& parameters);
  void weigh_rows();
  CatalogueItems<Real> items(const ParameterSet<Real>& parameters, const Matrix<Real>& z,
                             Matrix<Real>& dz);

  std::int64_t chunk_users(const Communicator& comm, std::int64_t batch_users) const;
  Combine combine();

  Communicator comm_;
  PhaseClock& clock_;
  double reg_;
  std::size_t embeddings_;  // so many tables of them come first, which are regularised
  bool item_bias_;
  RatingWeights weights_;
  std::optional<SharedSampler> sampler_;  // with --shared-negatives
  UserSchedule schedule_;
  UserPlanner planner_;
  std::int64_t chunk_;  // users scored at a time
  CatalogueLoss<Precision> loss_;
  OrderedAllReduce<double> sum_;  // of a chunk
  std::vector<double> parts_;     // [chunk] what it adds up
  const Kernels<Precision>& kernels_;
  Matrix<Real> users_;              // [slots x d] where rows travel in another type
  std::vector<double> row_weight_;  // [needed] W_u, then w_i
  std::vector<Real> bias_;          // [needed items]
  std::vector<Real> bias_gradient_;
};

}  // namespace siren::inline train
