// SPDX-License-Identifier: Apache-2.0
// Which rank made the others wait: where the ranks' seconds went and what they sent, side by side.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "siren/comm/communicator.hpp"
#include "siren/core/timer.hpp"

namespace siren {

/// The same on every rank.
struct RankReport {
  std::int64_t steps = 0;
  std::vector<std::string> hosts;   // [ranks]
  std::vector<PhaseCounts> counts;  // [ranks]

  int ranks() const { return static_cast<int>(counts.size()); }
  /// Seconds that the rank spent on work of training steps, not on waiting for others.
  double busy_seconds(int rank) const;
  /// By those seconds; the lowest of equals.
  int slowest() const;
  /// The slowest rank's busy seconds to the mean over ranks.
  double imbalance() const;
  /// Seconds waited to seconds of training steps, of all ranks together.
  double wait_share() const;
  /// By all ranks.
  SentBytes sent() const;
};

/// Collective. `mine` is what this rank counted during those steps.
RankReport gather_ranks(const Communicator& comm, std::int64_t steps, const PhaseCounts& mine);

/// The fields of an event (data/README.md).
nlohmann::ordered_json to_json(const RankReport& report);
/// For people, line by line.
std::vector<std::string> format_report(const RankReport& report);

}  // namespace siren
