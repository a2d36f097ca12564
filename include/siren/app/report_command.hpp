// SPDX-License-Identifier: Apache-2.0
// `siren report`: what runs did, as one HTML file.
#pragma once

#include <span>
#include <string>

#include "siren/comm/communicator.hpp"

namespace siren::inline app {

/// The exit code. Collective; rank 0 works.
int run_report(const Communicator& comm, std::span<const std::string> args);

/// report.html in the directory of a run. A failure is a warning only: the run itself is safe. One
/// rank only.
void write_own_report(const std::string& run);

}  // namespace siren::inline app
