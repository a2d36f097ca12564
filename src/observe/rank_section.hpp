// SPDX-License-Identifier: Apache-2.0
// What the ranks did and held: time by phase, bytes sent, the partition, memory.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "observe/run_record.hpp"

namespace siren::inline observe {

/// Of one phase in all epochs.
struct PhaseTotal {
  std::string name;
  double min_seconds = 0.0;  // of the epochs' smallest ranks
  double mean_seconds = 0.0;
  double max_seconds = 0.0;
  double bytes = 0.0;  // sent by all ranks
};

/// A run's phases in their order.
std::vector<PhaseTotal> phase_sums(const RunRecord& run);

std::string time_section(const RunRecord& run);
std::string partition_section(const RunRecord& run);

/// Ranks, speed, bytes and memory of several runs.
std::string cost_comparison(std::span<const RunRecord> runs);

}  // namespace siren::inline observe
