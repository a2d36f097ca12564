// SPDX-License-Identifier: Apache-2.0
// What one forward pass and its backward work on.
#pragma once

#include <cstdint>

#include "siren/graph/row_set.hpp"

namespace siren::inline model {

/// Training draws dropout masks for a step; evaluation uses none.
struct Mode {
  bool training = false;
  std::uint32_t step = 0;  // global step, from 1
};

/// Borrowed parts; the same for the forward and the backward.
template <class Real>
struct Pass {
  const RowSet& needed;  // compact matrices have its rows
  const Real* dense;     // the replicated tensors (DenseLayout)
  Mode mode;
};

}  // namespace siren::inline model
