// SPDX-License-Identifier: Apache-2.0
// The data set of a run: sizes, signs, values, ratings per user and item.
#pragma once

#include <string>

#include "siren/report/run_record.hpp"

namespace siren::inline report {

std::string data_section(const RunRecord& run);

}  // namespace siren::inline report
