// SPDX-License-Identifier: Apache-2.0
// How every command of several ranks reads its options.
#pragma once

#include <functional>

#include "siren/comm/communicator.hpp"

namespace siren::inline app {

/// Collective. Runs `parse` on every rank, rank 0 first: it prints the help if that is all that was
/// wanted, and then `parse` returns false and so does this, on all ranks. An InputError anywhere is
/// thrown everywhere.
bool parse_together(const Communicator& comm, const std::function<bool()>& parse);

}  // namespace siren::inline app
