// SPDX-License-Identifier: Apache-2.0
#include "train/step_loss.hpp"

#include "train/catalogue_step_loss.hpp"
#include "train/sampled_step_loss.hpp"

namespace siren::inline train {

std::int64_t steps_in_epoch(const Communicator& comm, const TrainingSet& set,
                            const TrainConfig& config) {
  if (config.loss == LossKind::kBpr) return steps_per_epoch(set.trainable_count(), config.batch);
  std::int64_t users = 0;
  for (std::int64_t user = 0; user < set.ratings.users(); ++user)
    users += has_term(set.ratings, user, rating_weights(config)) ? 1 : 0;
  return steps_per_epoch(comm.all_reduce(users, Reduction::kSum), config.batch_users);
}

template <class Precision>
std::unique_ptr<StepLoss<Precision>> make_step_loss(const TrainingInputs& inputs,
                                                    const TrainConfig& config, Isa isa,
                                                    PhaseClock& clock) {
  if (config.loss == LossKind::kSoftmax)
    return std::make_unique<CatalogueStepLoss<Precision>>(inputs, config, isa, clock);
  return std::make_unique<SampledStepLoss<Precision>>(inputs, config, isa, clock);
}

template std::unique_ptr<StepLoss<Fp32>> make_step_loss(const TrainingInputs&, const TrainConfig&,
                                                        Isa, PhaseClock&);
template std::unique_ptr<StepLoss<Bf16>> make_step_loss(const TrainingInputs&, const TrainConfig&,
                                                        Isa, PhaseClock&);
template std::unique_ptr<StepLoss<Fp64>> make_step_loss(const TrainingInputs&, const TrainConfig&,
                                                        Isa, PhaseClock&);

}  // namespace siren::inline train
