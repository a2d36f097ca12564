// SPDX-License-Identifier: Apache-2.0
// --hang-timeout, of every command that runs on ranks.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "siren/app/option_parser.hpp"

namespace siren::inline app {

/// For a command that keeps it in its configuration, and tells the heartbeat itself.
void declare_hang_timeout(OptionParser& options, double& seconds);

/// Holds from the moment when the options are applied.
void declare_hang_timeout(OptionParser& options);

/// What a command line says of it, for the time until all options are read, in which MPI starts;
/// nothing if it says nothing, or what is no number.
std::optional<double> hang_timeout_in(std::span<const std::string> args);

}  // namespace siren::inline app
