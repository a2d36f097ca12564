// SPDX-License-Identifier: Apache-2.0
#include "core/timer.hpp"

#include <numeric>
#include <utility>

#include "core/heartbeat.hpp"

namespace siren::inline core {

namespace {

constexpr std::array<const char*, kPhases> kNames = {"sample", "expand",   "product", "fold",
                                                     "dense",  "loss",     "reduce",  "adam",
                                                     "wait",   "evaluate", "other"};

}  // namespace

std::string_view name_of(Phase phase) {
  return kNames[static_cast<std::size_t>(phase)];
}

PhaseCounts& PhaseCounts::operator+=(const PhaseCounts& more) {
  for (std::size_t p = 0; p < kPhases; ++p) {
    seconds[p] += more.seconds[p];
    sent[p] += more.sent[p];
  }
  return *this;
}

void PhaseClock::switch_to(Phase next) {
  const Clock::time_point now = Clock::now();
  counts_.seconds[index(current_)] += std::chrono::duration<double>(now - since_).count();
  since_ = now;
  current_ = next;
  heartbeat().set_operation(next == Phase::kOther ? nullptr : kNames[index(next)]);
}

double PhaseClock::total_seconds() const {
  return std::accumulate(counts_.seconds.begin(), counts_.seconds.end(), 0.0);
}

PhaseCounts PhaseClock::reset() {
  switch_to(current_);
  return std::exchange(counts_, {});
}

}  // namespace siren::inline core
