// SPDX-License-Identifier: Apache-2.0
// Final representations of the nodes that a rank owns.
#pragma once

#include "math/matrix.hpp"

namespace siren::inline model {

/// The last columns of final rows, behind those of the embedding.
struct FinalColumns {
  std::int64_t bias = 0;      // 0 or 1: 1 for users, the item's bias for items
  std::int64_t polarity = 0;  // those whose product is p, the logit of P(liked | engaged)

  friend bool operator==(const FinalColumns&, const FinalColumns&) = default;
};

/// A row per owned user and item, in the order of the Layout. The product of the columns that are
/// not polarity is the score z.
struct NodeTables {
  Matrix<float> users;
  Matrix<float> items;
  FinalColumns columns = {};
};

enum class Branches { kBlended, kAll };

/// Without dropout.
struct Embeddings {
  NodeTables z;
  NodeTables zp;  // Branches::kAll only
  NodeTables zn;  // likewise; no rows for models without the disliked branch
};

}  // namespace siren::inline model
