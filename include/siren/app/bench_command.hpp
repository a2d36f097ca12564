// SPDX-License-Identifier: Apache-2.0
// `siren bench`: how fast training steps are here, and how far from the machine's limits.
#pragma once

#include <span>
#include <string>

#include "siren/comm/communicator.hpp"

namespace siren::inline app {

/// `args` stand behind the command's name. Collective.
int run_bench(const Communicator& comm, std::span<const std::string> args);

}  // namespace siren::inline app
