// SPDX-License-Identifier: Apache-2.0
// Which ranks are near: messages to them go through memory instead of the network.
#pragma once

#include <vector>

#include <mpi.h>

namespace siren::inline comm {

/// Collective. [ranks of comm] whether the rank shares this one's memory; true for itself.
std::vector<bool> ranks_on_this_node(MPI_Comm comm);

}  // namespace siren::inline comm
