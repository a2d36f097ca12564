// SPDX-License-Identifier: Apache-2.0
#include "siren/core/timer.hpp"

#include <numeric>

#include "siren/core/heartbeat.hpp"

namespace siren {

namespace {

constexpr std::array<const char*, kPhases> kNames = {"sample", "expand",   "product", "fold",
                                                     "dense",  "loss",     "reduce",  "adam",
                                                     "wait",   "evaluate", "other"};

}  // namespace

std::string_view name_of(Phase phase) {
  return kNames[static_cast<std::size_t>(phase)];
}

void PhaseClock::switch_to(Phase next) {
  const Clock::time_point now = Clock::now();
  seconds_[index(current_)] += std::chrono::duration<double>(now - since_).count();
  since_ = now;
  current_ = next;
  heartbeat().set_operation(next == Phase::kOther ? nullptr : kNames[index(next)]);
}

double PhaseClock::total_seconds() const {
  return std::accumulate(seconds_.begin(), seconds_.end(), 0.0);
}

void PhaseClock::reset() {
  seconds_.fill(0.0);
  sent_.fill({});
  since_ = Clock::now();
}

}  // namespace siren
