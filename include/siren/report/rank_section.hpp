// SPDX-License-Identifier: Apache-2.0
// What the ranks did and held: time by phase, bytes sent, the partition, memory.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "siren/report/run_record.hpp"

namespace siren::inline report {

/// A run's phases, summed over its epochs, in their order.
std::vector<PhaseUse> phase_sums(const RunRecord& run);

std::string time_section(const RunRecord& run);
std::string partition_section(const RunRecord& run);

/// Ranks, speed, bytes and memory of several runs.
std::string cost_comparison(std::span<const RunRecord> runs);

}  // namespace siren::inline report
