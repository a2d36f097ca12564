// SPDX-License-Identifier: Apache-2.0
// What the options of several commands have in common.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>

#include "app/option_parser.hpp"
#include "siren/communicator.hpp"

namespace siren::inline app {

// --hang-timeout, of every command that runs on ranks.

/// For a command that keeps it in its configuration, and tells the heartbeat itself.
OptionParser::Declared declare_hang_timeout(OptionParser& options, double& seconds);

/// Holds from the moment when the options are applied.
void declare_hang_timeout(OptionParser& options);

/// What a command line says of it, for the time until all options are read, in which MPI starts;
/// nothing if it says nothing, or what is no number.
std::optional<double> hang_timeout_in(std::span<const std::string> args);

/// Collective. Runs `parse` on every rank, rank 0 first: it prints the help if that is all that was
/// wanted, and then `parse` returns false and so does this, on all ranks. An InputError anywhere is
/// thrown everywhere.
bool parse_together(const Communicator& comm, const std::function<bool()>& parse);

}  // namespace siren::inline app
