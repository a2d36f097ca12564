// SPDX-License-Identifier: Apache-2.0
// `siren recommend`: the best items of users by a trained run, or items similar to others.
#pragma once

#include <span>
#include <string>

#include "siren/comm/communicator.hpp"

namespace siren::inline app {

/// `args` stand behind the command's name. Collective.
int run_recommend(const Communicator& comm, std::span<const std::string> args);

}  // namespace siren::inline app
