// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>

#include "train/trainer.hpp"

namespace siren::test {

/// The gradients of the trainer's last step, with every owned row of both tables.
template <class Precision>
Parameters<typename Precision::Real> whole_gradients(Trainer<Precision>& trainer) {
  const auto& gradients = trainer.gradients();
  const RowSet& needed = trainer.needed();
  Parameters<typename Precision::Real> whole(trainer.model().shape(), gradients.liked.rows());
  std::ranges::copy(gradients.liked.span(), whole.liked.data());
  std::ranges::copy(gradients.dense.span(), whole.dense.data());
  if (whole.disliked.rows() > 0)
    for (std::int64_t i = 0; i < needed.size(); ++i)
      std::copy_n(gradients.disliked.row(i), whole.disliked.stride(),
                  whole.disliked.row(needed.row(i)));
  return whole;
}

}  // namespace siren::test
