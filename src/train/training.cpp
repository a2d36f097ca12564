// SPDX-License-Identifier: Apache-2.0
#include "train/training.hpp"

#include "siren/check.hpp"
#include "train/trainer.hpp"

namespace siren::inline train {

std::unique_ptr<Training> make_training(const TrainingInputs& inputs, const TrainConfig& config,
                                        Isa isa) {
  switch (config.storage) {
    case Storage::kFp32:
      return std::make_unique<Trainer<Fp32>>(inputs, config, isa);
    case Storage::kBf16:
      return std::make_unique<Trainer<Bf16>>(inputs, config, isa);
    case Storage::kFp64:
      return std::make_unique<Trainer<Fp64>>(inputs, config, isa);
  }
  SIREN_ASSERT(false, "storage {}", static_cast<int>(config.storage));
  return nullptr;
}

}  // namespace siren::inline train
