// SPDX-License-Identifier: Apache-2.0
// `siren train`: a data set in, a run directory out.
#pragma once

#include <span>
#include <string>

#include "siren/comm/communicator.hpp"

namespace siren {

/// `args` stand behind the command's name. Collective.
int run_train(const Communicator& comm, std::span<const std::string> args);

}  // namespace siren
