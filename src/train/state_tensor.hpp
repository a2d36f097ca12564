// SPDX-License-Identifier: Apache-2.0
// One tensor of a training state, as the owner of the memory describes it to those who store it.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "siren/ids.hpp"

namespace siren::inline train {

/// A table has a row per owned node; a replicated tensor is the same on every rank. Row r begins at
/// byte r * stride * value_bytes of `data` and has `columns` values.
struct StateTensor {
  std::string name;  // "parameters/liked", "first_moment/mlp.0.weight", ...
  bool is_table;
  std::int64_t rows;
  std::int64_t columns;
  std::int64_t stride;
  std::int64_t value_bytes;  // 4: float, 8: double
  void* data;
};

/// Which of the global rows [0, total) a rank has in its tables; no row is on two ranks.
struct TableRows {
  std::span<const NodeId> nodes;  // global rows, ascending
  std::int64_t total;
  std::span<const LocalRow> local = {};  // nodes[i] is row local[i] of a table; empty: row i
};

}  // namespace siren::inline train
