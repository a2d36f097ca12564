// SPDX-License-Identifier: Apache-2.0
// What the ranks know, put together for the events of a run (events/events.hpp). All are collective,
// and every rank has the result.
#pragma once

#include <cstdint>
#include <vector>

#include "core/timer.hpp"
#include "data/training_set.hpp"
#include "distributed/adjacency.hpp"
#include "distributed/layout.hpp"
#include "events/events.hpp"
#include "siren/communicator.hpp"

namespace siren::inline train {

/// Of every phase, since the clocks were reset.
std::vector<PhaseUse> phase_use(const Communicator& comm, const PhaseClock& clock);

/// `mine` is what this rank counted during those steps.
RankReport gather_ranks(const Communicator& comm, std::int64_t steps, const PhaseCounts& mine);

/// Fills in host, processors, node and memory of `mine`.
StartReport gather_start(const Communicator& comm, RankStart mine);

/// Of every rank, in order of rank.
std::vector<RankShare> gather_shares(const Communicator& comm, const Layout& layout,
                                     const TrainingSet& set, const Adjacency& graph);

}  // namespace siren::inline train
