// SPDX-License-Identifier: Apache-2.0
// What lambda does to the lists of a factored model, as part of a page.
#pragma once

#include <string>

#include "observe/run_record.hpp"

namespace siren::inline observe {

/// A chart of nDCG@10 over Dislike@10 and a table, the chosen lambda marked; empty
/// for other models, and where nothing was tried.
std::string frontier_section(const RunRecord& run);

}  // namespace siren::inline observe
