// SPDX-License-Identifier: Apache-2.0
// A machine as a file describes it, for plans: lines `key = value` (core/settings.hpp). `siren bench
// --machine-file` writes such a file, cluster/example.machine explains one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "distributed/machine_limits.hpp"

namespace siren::inline observe {

/// One way between two ranks; 0 bytes per second: sending takes no time but the latency.
struct Link {
  double bytes_per_second = 0.0;
  double latency_seconds = 0.0;

  double seconds(double bytes, double messages) const {
    return (bytes_per_second > 0.0 ? bytes / bytes_per_second : 0.0) + messages * latency_seconds;
  }
};

/// Nodes of one kind. Rates of a core hold while all cores of the node work.
struct Machine {
  double cores_per_node = 1.0;
  double ranks_per_node = 1.0;
  double memory_per_node = 0.0;     // bytes that training may have; 0: unknown
  double gather_seconds = 0.0;      // of a core, to fetch and add one table row
  double gather_row_bytes = 256.0;  // of that row
  double bytes_per_second = 0.0;    // of a core, read and written in order
  double flops_per_second = 0.0;    // of a core
  double exps_per_second = 0.0;     // of a core
  double of_limits = 1.0;           // what computing takes, in times of what these limits allow
  Link in_node;                     // of a rank
  Link between_nodes;               // of a node: its ranks share it

  /// What a rank can do, with its share of the cores; `row_bytes` of the tables it gathers from.
  MachineLimits of_rank(std::int64_t row_bytes) const;
  /// Nodes that hold so many ranks.
  std::int64_t nodes(std::int64_t ranks) const;
};

/// InputError, which names `place` and line, for a key that is unknown or there twice, for a value
/// that is no number or out of range, and for a missing key.
Machine parse_machine(std::string_view text, std::string_view place);

/// Text that parse_machine() reads back.
std::string print_machine(const Machine& machine);

}  // namespace siren::inline observe
