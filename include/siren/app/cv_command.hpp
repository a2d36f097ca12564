// SPDX-License-Identifier: Apache-2.0
// `siren cv`: runs of `siren train` over folds, seeds and variations, side by side in one job.
#pragma once

#include <span>
#include <string>

#include "siren/comm/communicator.hpp"

namespace siren::inline app {

/// `args` stand behind the command's name. Collective.
int run_cv(const Communicator& comm, std::span<const std::string> args);

}  // namespace siren::inline app
