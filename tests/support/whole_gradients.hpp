// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>

#include "train/trainer.hpp"

namespace siren::test {

/// The gradients of the trainer's last step, with every owned row of both tables.
template <class Precision>
ParameterSet<typename Precision::Real> whole_gradients(Trainer<Precision>& trainer) {
  const auto& gradients = trainer.gradients();
  const RowSet& needed = trainer.needed();
  const ParameterLayout& layout = trainer.model().layout();
  ParameterSet<typename Precision::Real> whole(layout, gradients.tables[kLiked].rows());
  std::ranges::copy(gradients.dense.span(), whole.dense.data());
  for (std::size_t t = 0; t < layout.tables.size(); ++t) {
    const auto& table = gradients.tables[t];
    if (layout.tables[t].gradient == GradientRows::kAll)
      std::ranges::copy(table.span(), whole.tables[t].data());
    else
      for (std::int64_t i = 0; i < needed.size(); ++i)
        std::copy_n(table.row(i), table.stride(), whole.tables[t].row(needed.row(i)));
  }
  return whole;
}

}  // namespace siren::test
