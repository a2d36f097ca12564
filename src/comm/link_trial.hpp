// SPDX-License-Identifier: Apache-2.0
// How fast messages are, within a node and between nodes: for a description of the machine.
#pragma once

#include "siren/communicator.hpp"

namespace siren::inline comm {

/// Messages between two ranks; 0 where no pair of ranks has such a way.
struct LinkTrial {
  double bytes_per_second = 0.0;  // each way, while both send 4 MB
  double latency_seconds = 0.0;   // of an 8 B message: half of a round trip
};

struct LinkTrials {
  LinkTrial in_node;
  LinkTrial between_nodes;
};

/// Collective; the same on every rank. Rank 0 talks with the first rank of its node and with the first
/// one elsewhere, the best of several times; all others wait.
LinkTrials try_links(const Communicator& comm);

}  // namespace siren::inline comm
