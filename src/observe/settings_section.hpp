// SPDX-License-Identifier: Apache-2.0
// The configuration of one run, and how those of several differ.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "observe/run_record.hpp"

namespace siren::inline observe {

/// Options that have other values than in `defaults` are marked.
std::string settings_section(const RunRecord& run, const Settings& defaults);

/// Names of options, in the order of the first run, that do not have one value in all runs. `run`
/// is none: it always differs.
std::vector<std::string> differing_settings(std::span<const RunRecord> runs);

std::string settings_comparison(std::span<const RunRecord> runs);

}  // namespace siren::inline observe
