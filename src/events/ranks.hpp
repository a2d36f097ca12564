// SPDX-License-Identifier: Apache-2.0
// Event `ranks`: where the ranks' seconds went and what they sent, side by side, and which rank made
// the others wait. Event `epoch` holds the sums over ranks (PhaseUse) only.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "core/timer.hpp"

namespace siren::inline events {

/// Seconds and bytes of one phase, over ranks.
struct PhaseUse {
  std::string name;
  double min_seconds = 0.0;
  double mean_seconds = 0.0;
  double max_seconds = 0.0;
  SentBytes sent;  // by all ranks

  friend bool operator==(const PhaseUse&, const PhaseUse&) = default;
};

struct PhaseOfRanks {
  PhaseUse use;
  std::vector<double> seconds;  // [ranks]

  friend bool operator==(const PhaseOfRanks&, const PhaseOfRanks&) = default;
};

/// The same on every rank.
struct RankReport {
  std::int64_t steps = 0;
  std::vector<std::string> hosts;    // [ranks]
  std::vector<double> busy_seconds;  // [ranks] of work of training steps, not of waiting for others
  std::vector<SentBytes> sent;       // [ranks]
  std::vector<PhaseOfRanks> phases;

  int ranks() const { return static_cast<int>(busy_seconds.size()); }
  /// The rank with most busy seconds; the lowest of equals.
  int slowest() const;
  /// The slowest rank's busy seconds to the mean over ranks.
  double imbalance() const;
  /// Seconds waited to seconds of training steps, of all ranks together.
  double wait_share() const;
  SentBytes sent_by_all() const;

  friend bool operator==(const RankReport&, const RankReport&) = default;
};

/// `counts` [ranks] is what each rank counted during `steps` steps.
RankReport rank_report(std::int64_t steps, std::vector<std::string> hosts,
                       std::span<const PhaseCounts> counts);

/// {"product":{"min":t,"mean":t,"max":t,"bytes":n,"bytes_between_nodes":n},..}
nlohmann::ordered_json to_json(std::span<const PhaseUse> phases);
std::vector<PhaseUse> phases_from_json(const nlohmann::ordered_json& json);

/// The fields of the event (data/README.md).
nlohmann::ordered_json to_json(const RankReport& report);
RankReport rank_report_from_json(const nlohmann::ordered_json& json);

/// For people, line by line.
std::vector<std::string> format_report(const RankReport& report);

/// Greatest value / mean; 1 if all are zero.
double imbalance(std::span<const double> values);

}  // namespace siren::inline events
