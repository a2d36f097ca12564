// SPDX-License-Identifier: Apache-2.0
// How fast training steps are, and how far from what the machine could do.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "siren/communicator.hpp"
#include "train/run_events.hpp"
#include "train/training.hpp"

namespace siren::inline observe {

struct BenchOptions {
  std::int64_t steps = 50;   // measured
  std::int64_t warm_up = 5;  // steps before those
};

/// Per step, the same on every rank.
struct BenchReport {
  int ranks = 1;
  std::int64_t steps = 0;
  double median_seconds = 0.0;
  double min_seconds = 0.0;
  double max_seconds = 0.0;
  std::vector<PhaseUse> phases;
  /// By Phase: seconds that its work takes at the machine's limits, mean over ranks; 0 where no
  /// limit is known.
  std::array<double, kPhases> least{};
  double least_seconds = 0.0;   // of all phases, on the rank where that is most
  WorkDone work;                // sum over ranks
  MachineLimits limits;         // of the slowest rank
  std::int64_t peak_bytes = 0;  // resident memory of the largest rank since it started

  /// The propagation's products, for each row added up.
  double seconds_per_visit() const;
  /// Those to the gather limit.
  double gather_ratio() const;
  /// The step to the sum of its limits.
  double step_ratio() const { return median_seconds / least_seconds; }
};

/// By Phase: what the work of a step takes on a rank if nothing but the machine limits it.
std::array<double, kPhases> least_seconds(const WorkDone& work, const MachineLimits& limits);

/// Collective. Runs options.warm_up + options.steps steps and then measures the machine.
BenchReport bench(const Communicator& comm, Training& training, const BenchOptions& options);

nlohmann::ordered_json to_json(const BenchReport& report);
/// For people.
std::string format_report(const BenchReport& report);

}  // namespace siren::inline observe
