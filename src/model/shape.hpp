// SPDX-License-Identifier: Apache-2.0
// What one forward pass and its backward work on.
#pragma once

#include <cstdint>

#include "distributed/row_set.hpp"
#include "siren/ids.hpp"

namespace siren::inline model {

struct ModelShape {
  std::int64_t nodes = 0;       // M + N
  std::int64_t dimension = 64;  // d
  int mlp_layers = 2;
  bool disliked_branch = true;  // false: LightGCN or matrix factorisation, Z = Zp
  bool attention = true;        // false: both branches count one half
  double dropout = 0.5;         // in [0, 1)
  bool item_bias = false;
  bool cosine = false;     // rows of Z have length 1; those of zeros stay
  double deviation = 0.0;  // of initial rows; 0: sqrt(2 / (nodes + d))
  std::uint32_t seed = 1;
};

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
