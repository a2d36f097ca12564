// SPDX-License-Identifier: Apache-2.0
// How the learning rate changes over a run: it rises linearly over the warm-up, then stays, or falls
// on half a cosine to zero at the end of the schedule.
#pragma once

#include <cstdint>
#include <string>

#include "siren/train/config.hpp"

namespace siren::inline train {

/// InputError unless "constant" or "cosine".
void check_schedule(const std::string& name);

/// Of update `step`, from 1. A cosine needs config.lr_steps > 0; behind them the rate is that of the
/// last of them.
double learning_rate(const TrainConfig& config, std::int64_t step);

}  // namespace siren::inline train
