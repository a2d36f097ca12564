// SPDX-License-Identifier: Apache-2.0
// How a report looks: one style sheet for light and dark, wide and narrow, screen and paper.
#pragma once

#include <string>
#include <string_view>

namespace siren::inline report {

std::string_view style_sheet();

/// The style of the k-th of several runs. They repeat after eight.
std::string run_style(std::size_t run);
/// The style of a phase of a step: work in blues, communication in oranges.
std::string phase_style(std::string_view phase);

}  // namespace siren::inline report
