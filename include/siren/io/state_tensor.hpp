// SPDX-License-Identifier: Apache-2.0
// One tensor of a training state, as the owner of the memory describes it to those who store it.
#pragma once

#include <cstdint>
#include <string>

namespace siren {

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

}  // namespace siren
