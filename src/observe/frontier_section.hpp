// SPDX-License-Identifier: Apache-2.0
// What lambda does to the lists of a factored model, as part of a page.
#pragma once

#include <span>
#include <string>

#include "observe/other_models.hpp"
#include "observe/run_record.hpp"

namespace siren::inline observe {

/// A chart of nDCG@10 over Dislike@10, with `others` in it, and a table, the chosen lambda marked;
/// empty for models without lambda, and where nothing was tried.
std::string frontier_section(const RunRecord& run, std::span<const OtherModel> others = {});

}  // namespace siren::inline observe
