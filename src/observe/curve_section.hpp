// SPDX-License-Identifier: Apache-2.0
// Loss and metrics over the epochs, the runs laid over each other.
#pragma once

#include <span>
#include <string>

#include "observe/run_record.hpp"

namespace siren::inline observe {

std::string curve_section(std::span<const RunRecord> runs);

/// The curves of one run as a table, some 200 rows at most.
std::string epoch_table(const RunRecord& run);

/// The runs with the style of their curves; nothing for a single one.
std::string run_legend(std::span<const RunRecord> runs);

}  // namespace siren::inline observe
