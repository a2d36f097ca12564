// SPDX-License-Identifier: Apache-2.0
#include "siren/core/timer.hpp"

#include <numeric>

namespace siren {

std::string_view name_of(Phase phase) {
  static constexpr std::array<std::string_view, kPhases> kNames = {
      "sample", "expand", "product", "fold",     "dense", "loss",
      "reduce", "adam",   "wait",    "evaluate", "other"};
  return kNames[static_cast<std::size_t>(phase)];
}

void PhaseClock::switch_to(Phase next) {
  const Clock::time_point now = Clock::now();
  seconds_[index(current_)] += std::chrono::duration<double>(now - since_).count();
  since_ = now;
  current_ = next;
}

double PhaseClock::total_seconds() const {
  return std::accumulate(seconds_.begin(), seconds_.end(), 0.0);
}

void PhaseClock::reset() {
  seconds_.fill(0.0);
  bytes_.fill(0);
  since_ = Clock::now();
}

}  // namespace siren
