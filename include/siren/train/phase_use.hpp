// SPDX-License-Identifier: Apache-2.0
// What the ranks' clocks say together.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "siren/comm/communicator.hpp"
#include "siren/core/timer.hpp"

namespace siren {

/// Seconds and bytes of one phase, over ranks.
struct PhaseUse {
  std::string name;
  double min_seconds;
  double mean_seconds;
  double max_seconds;
  SentBytes sent;  // by all ranks
};

/// Of every phase, since the clocks were reset. Collective.
std::vector<PhaseUse> phase_use(const Communicator& comm, const PhaseClock& clock);

}  // namespace siren
