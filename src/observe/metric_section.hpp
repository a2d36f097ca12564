// SPDX-License-Identifier: Apache-2.0
// The figures by which models are evaluated: of one run in full, of several side by side.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "observe/run_record.hpp"

namespace siren::inline observe {

/// "Dislike@10", "Dislike share@10": the fewer, the better.
bool less_is_better(std::string_view metric);
/// "nDCG@10": "ranking of liked items"; empty for others than ours.
std::string_view meaning_of(std::string_view metric);
/// One cutoff of each metric: 10 if it is there, else the first. In the order of `metrics`.
std::vector<std::string> headline_metrics(const std::vector<Figure>& metrics);

/// "0.3432"; "-" for NaN.
std::string metric_text(double value);

/// Metrics by cutoff, exposure, groups of users.
std::string metric_section(const RunRecord& run);
/// Runs by headline metric, the best of each column marked.
std::string metric_comparison(std::span<const RunRecord> runs);

}  // namespace siren::inline observe
