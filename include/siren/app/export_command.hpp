// SPDX-License-Identifier: Apache-2.0
// `siren export`: the embeddings of a trained run in files for other programs.
#pragma once

#include <span>
#include <string>

#include "siren/comm/communicator.hpp"

namespace siren::inline app {

/// `args` stand behind the command's name. Collective.
int run_export(const Communicator& comm, std::span<const std::string> args);

}  // namespace siren::inline app
