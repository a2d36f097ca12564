// SPDX-License-Identifier: Apache-2.0
#include "siren/train/learning_rate.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include <fmt/format.h>

#include "siren/core/check.hpp"
#include "siren/core/error.hpp"

namespace siren::inline train {

void check_schedule(const std::string& name) {
  if (name != "constant" && name != "cosine")
    throw InputError(fmt::format("--lr-schedule {}: unknown; use constant or cosine", name));
}

double learning_rate(const TrainConfig& config, std::int64_t step) {
  const auto warm_up = static_cast<double>(config.lr_warm_up);
  const double risen = step < config.lr_warm_up ? static_cast<double>(step) / warm_up : 1.0;
  if (config.lr_schedule == "constant") return config.learning_rate * risen;
  SIREN_ASSERT(config.lr_steps > 0, "a schedule of {} steps", config.lr_steps);
  // Step 1 is at the top, and the last step still moves: the cosine reaches zero one step later.
  const std::int64_t done = std::min(step, config.lr_steps) - 1;
  const double fraction = static_cast<double>(done) / static_cast<double>(config.lr_steps);
  return config.learning_rate * risen * 0.5 * (1.0 + std::cos(std::numbers::pi * fraction));
}

}  // namespace siren::inline train
