// SPDX-License-Identifier: Apache-2.0
// What `siren plan` says: a line for each number of ranks and layout, what does not fit, and which one
// it recommends.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "observe/machine.hpp"
#include "observe/rank_plan.hpp"
#include "observe/step_time.hpp"
#include "siren/config.hpp"

namespace siren::inline app {

/// A number of ranks with a partition. Bytes are those of a step unless they are memory.
struct PlanLine {
  std::int64_t ranks = 1;
  std::int64_t nodes = 1;
  std::string partition;
  std::string travel;             // as given
  std::vector<MemoryUse> memory;  // largest of any rank, kind by kind, as train prints it
  std::int64_t bytes = 0;         // of memory, of the rank with most, rows of a batch included
  std::int64_t node_bytes = 0;    // of memory, of the node with most, if each rank takes that much
  std::int64_t missing = 0;       // of memory, on that node; 0: it fits, or a node's is unknown
  std::int64_t rows_sent = 0;     // per layer, all ranks
  std::int64_t layer_bytes = 0;   // sent by all ranks, like the next two
  std::int64_t row_bytes = 0;
  std::int64_t sum_bytes = 0;
  double edge_balance = 1.0;  // most of a rank / mean
  double rating_balance = 1.0;
  StepTime time;

  bool fits() const { return missing == 0; }
};

PlanLine line_of(const LayoutPlan& plan, const DataConfig& data, const TrainConfig& config,
                 const Machine& machine);

/// The line to choose of those that fit; nothing if none does. Among the fastest layouts of each
/// number of ranks it is the fewest ranks whose step takes at most a tenth longer than the fastest.
/// Equal times are told apart by the rows sent.
std::optional<std::size_t> recommended(std::span<const PlanLine> lines);

std::string table_of(std::span<const PlanLine> lines);
/// A sentence for each line that does not fit. `fitting` ranks are the fewest known to fit; 0: none.
std::string refusals(std::span<const PlanLine> lines, const Machine& machine, std::int64_t fitting);
/// A sentence.
std::string recommendation(std::span<const PlanLine> lines);
nlohmann::ordered_json to_json(const PlanLine& line);

}  // namespace siren::inline app
