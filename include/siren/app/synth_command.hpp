// SPDX-License-Identifier: Apache-2.0
// `siren synth`: synthetic ratings as CSV.
#pragma once

#include <span>
#include <string>

#include "siren/comm/communicator.hpp"

namespace siren::inline app {

/// `args` stand behind the command's name. Collective.
int run_synth(const Communicator& comm, std::span<const std::string> args);

}  // namespace siren::inline app
