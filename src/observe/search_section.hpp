// SPDX-License-Identifier: Apache-2.0
// What a search compared before the run was trained, as part of a page.
#pragma once

#include <string>

#include "observe/run_record.hpp"

namespace siren::inline observe {

/// A table of the candidates, the chosen one marked; empty if the run was not searched for.
std::string search_section(const RunRecord& run);

/// From the results.json of a search: all candidates, in its order. InputError with `path` if the text
/// is not such a file.
std::vector<RecordedCandidate> read_candidates(const std::string& text, const std::string& path);

}  // namespace siren::inline observe
