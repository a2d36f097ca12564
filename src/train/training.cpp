// SPDX-License-Identifier: Apache-2.0
#include "train/training.hpp"

#include <fmt/format.h>

#include "siren/error.hpp"
#include "train/trainer.hpp"

namespace siren::inline train {

std::unique_ptr<Training> make_training(const TrainingInputs& inputs, const TrainConfig& config,
                                        Isa isa) {
  if (config.storage == "fp32") return std::make_unique<Trainer<Fp32>>(inputs, config, isa);
  if (config.storage == "bf16") return std::make_unique<Trainer<Bf16>>(inputs, config, isa);
  if (config.storage == "fp64") return std::make_unique<Trainer<Fp64>>(inputs, config, isa);
  throw InputError(fmt::format("--storage {}: unknown; use fp32, bf16 or fp64", config.storage));
}

}  // namespace siren::inline train
