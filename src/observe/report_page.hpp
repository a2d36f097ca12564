// SPDX-License-Identifier: Apache-2.0
// report.html: one file, without scripts and without anything from elsewhere.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "observe/other_models.hpp"
#include "observe/run_record.hpp"

namespace siren::inline observe {

/// A whole page on one run, or comparing several. `defaults` are those of `siren train`; `others`
/// stand beside what lambda does.
std::string report_page(std::span<const RunRecord> runs, const Settings& defaults,
                        std::span<const OtherModel> others = {});

/// Reads the runs and writes the page, whole or not at all. InputError if a run cannot be read or
/// the place cannot be written.
void write_report(std::span<const std::string> directories, const std::string& output,
                  const Settings& defaults, std::span<const OtherModel> others = {});

}  // namespace siren::inline observe
