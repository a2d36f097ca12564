// SPDX-License-Identifier: Apache-2.0
// report.html: one file, without scripts and without anything from elsewhere.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "observe/run_record.hpp"

namespace siren::inline observe {

/// A whole page on one run, or comparing several. `defaults` are those of `siren train`.
std::string report_page(std::span<const RunRecord> runs, const Settings& defaults);

/// Reads the runs and writes the page, whole or not at all. InputError if a run cannot be read or
/// the place cannot be written.
void write_report(std::span<const std::string> directories, const std::string& output,
                  const Settings& defaults);

}  // namespace siren::inline observe
