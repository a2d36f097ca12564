// SPDX-License-Identifier: Apache-2.0
// `siren info`: what is in a file of ours.
#pragma once

#include <span>
#include <string>

#include "siren/comm/communicator.hpp"

namespace siren::inline app {

/// `args` stand behind the command's name. Collective: rank 0 works, all ranks return or throw
/// alike.
int run_info(const Communicator& comm, std::span<const std::string> args);

}  // namespace siren::inline app
