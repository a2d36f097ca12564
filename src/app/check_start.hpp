// SPDX-License-Identifier: Apache-2.0
// Refuses a job whose ranks do not belong together, before any work.
#pragma once

#include <span>
#include <string>

#include "siren/communicator.hpp"

namespace siren::inline app {

/// Collective. InputError if processes that a launcher started together do not see each other (all
/// would do the same work and overwrite each other's files), or if a rank runs another build of
/// siren or was given another command line than rank 0.
void check_start(const Communicator& comm, std::span<const std::string> args);

/// Collective. InputError naming the first line in which a rank's options, as config.ini shows
/// them, differ from rank 0's: the file of --config may be another one there.
void check_same_options(const Communicator& comm, const std::string& config_text);

}  // namespace siren::inline app
