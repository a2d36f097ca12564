// SPDX-License-Identifier: Apache-2.0
// Batches of ratings, each with K negatives (model/sampled_loss.hpp), sampled or, M of a liked
// rating's, disliked by its user: rows of items travel to the ranks of the users whose ratings
// mention them.
#pragma once

#include <cstdint>
#include <vector>

#include "data/batch_schedule.hpp"
#include "data/dislike_sampler.hpp"
#include "data/negative_sampler.hpp"
#include "distributed/batch_planner.hpp"
#include "model/sampled_loss.hpp"
#include "train/step_loss.hpp"

namespace siren::inline train {

template <class Precision>
class SampledStepLoss final : public StepLoss<Precision> {
 public:
  using typename StepLoss<Precision>::Real;
  using typename StepLoss<Precision>::Stored;

  /// Collective. Borrows `inputs` and `clock`.
  SampledStepLoss(const TrainingInputs& inputs, const TrainConfig& config, Isa isa,
                  PhaseClock& clock);

  std::int64_t steps_per_epoch() const override { return schedule_.steps_per_epoch(); }
  void begin(std::int64_t step) override { planner_.begin(step); }
  void progress() override { planner_.progress(); }
  const StepBatch& finish() override { return planner_.finish(); }
  const StepBatch& finished() const override { return planner_.finished(); }
  LossSum add(const ParameterSet<Real>& parameters, const Matrix<Real>& z,
              const Matrix<Stored>& travelled, Matrix<Real>& dz,
              Matrix<Real>& travelled_gradient) override;
  std::int64_t scores() const override {
    return planner_.finished().local_count * (negatives_ + 1);
  }

 private:
  int negatives_;  // K
  NegativeSampler sampler_;
  DislikeSampler dislikes_;
  BatchSchedule schedule_;
  BatchPlanner planner_;
  SampledLoss<Precision> loss_;
  std::vector<std::int32_t> chunk_scratch_;
};

}  // namespace siren::inline train
