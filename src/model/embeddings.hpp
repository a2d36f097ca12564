// SPDX-License-Identifier: Apache-2.0
// Final representations of the nodes that a rank owns.
#pragma once

#include "math/matrix.hpp"

namespace siren::inline model {

/// A row per owned user and item, in the order of the Layout.
struct NodeTables {
  Matrix<float> users;
  Matrix<float> items;
};

enum class Branches { kBlended, kAll };

/// Without dropout.
struct Embeddings {
  NodeTables z;
  NodeTables zp;  // Branches::kAll only
  NodeTables zn;  // likewise; no rows for models without the disliked branch
};

}  // namespace siren::inline model
