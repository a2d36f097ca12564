// SPDX-License-Identifier: Apache-2.0
// What is trained: the model and its ablations.
#pragma once

#include <cstdint>

#include "siren/core/ids.hpp"

namespace siren::inline model {

struct ModelShape {
  std::int64_t nodes = 0;       // M + N
  std::int64_t dimension = 64;  // d
  int mlp_layers = 2;
  bool disliked_branch = true;  // false: LightGCN or matrix factorisation, Z = Zp
  bool attention = true;        // false: both branches count one half
  double dropout = 0.5;         // in [0, 1)
  std::uint32_t seed = 1;
};

}  // namespace siren::inline model
