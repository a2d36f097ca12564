// SPDX-License-Identifier: Apache-2.0
// The data set of a run: sizes, signs, values, ratings per user and item.
#pragma once

#include <string>

#include "observe/run_record.hpp"

namespace siren::inline observe {

std::string data_section(const RunRecord& run);

}  // namespace siren::inline observe
