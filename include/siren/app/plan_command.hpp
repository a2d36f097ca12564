// SPDX-License-Identifier: Apache-2.0
// `siren plan`: what training a data set would take on several numbers of ranks.
#pragma once

#include <span>
#include <string>

#include "siren/comm/communicator.hpp"

namespace siren::inline app {

/// `args` stand behind the command's name. Collective.
int run_plan(const Communicator& comm, std::span<const std::string> args);

}  // namespace siren::inline app
