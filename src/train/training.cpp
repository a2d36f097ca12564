// SPDX-License-Identifier: Apache-2.0
#include "train/training.hpp"

#include "train/trainer.hpp"

namespace siren::inline train {

std::unique_ptr<Training> make_training(const TrainingInputs& inputs, const TrainConfig& config,
                                        Isa isa) {
  return with_precision(config.storage, [&]<class Precision>() -> std::unique_ptr<Training> {
    return std::make_unique<Trainer<Precision>>(inputs, config, isa);
  });
}

}  // namespace siren::inline train
