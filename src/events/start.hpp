// SPDX-License-Identifier: Apache-2.0
// Event `start`: which program a job is, which rank is where, on which processors, with how much of
// the work.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace siren::inline events {

/// Of metrics.jsonl. 1, which has no number: version 0.1.0.
inline constexpr int kEventsFormat = 2;

/// One rank's share.
struct RankStart {
  std::string host;
  std::string processors;  // on which it may run
  int node = 0;            // the lowest rank that shares its memory
  std::int64_t rows = 0;   // of users and items it owns
  std::int64_t halo_rows = 0;
  std::int64_t rows_sent = 0;  // per layer
  std::int64_t edges = 0;
  std::int64_t ratings = 0;
  std::int64_t bytes = 0;           // its arrays take
  std::int64_t node_available = 0;  // bytes its node could give to more; 0: unknown

  friend bool operator==(const RankStart&, const RankStart&) = default;
};

/// The same on every rank.
struct StartReport {
  std::vector<RankStart> ranks;

  int nodes() const;
  /// Largest to mean over ranks of what `field` points to; 1 if all are zero.
  double balance(std::int64_t RankStart::*field) const;

  friend bool operator==(const StartReport&, const StartReport&) = default;
};

/// The program and what it was started with.
struct StartEvent {
  std::string version;
  std::string build;
  std::string mpi;  // library
  std::string hdf5;
  std::string thread_level;
  std::int32_t threads = 0;  // of each rank
  std::string isa;
  StartReport where;

  friend bool operator==(const StartEvent&, const StartEvent&) = default;
};

nlohmann::ordered_json to_json(const StartEvent& event);
StartEvent start_from_json(const nlohmann::ordered_json& json);

/// For people, line by line.
std::vector<std::string> format_report(const StartReport& report);

}  // namespace siren::inline events
