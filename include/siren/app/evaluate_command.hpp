// SPDX-License-Identifier: Apache-2.0
// `siren evaluate`: metrics of a trained run, or of the popularity baseline.
#pragma once

#include <span>
#include <string>

#include "siren/comm/communicator.hpp"

namespace siren::inline app {

/// `args` stand behind the command's name. Collective.
int run_evaluate(const Communicator& comm, std::span<const std::string> args);

}  // namespace siren::inline app
