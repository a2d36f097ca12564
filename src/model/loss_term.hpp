// SPDX-License-Identifier: Apache-2.0
// What a loss makes of scores: its value and its slopes. Where the scores come from and where the
// slopes go to is model/sampled_loss.hpp's business; a new loss is one class in loss_term.cpp, a
// name in siren/config.hpp and its option.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "math/kernels.hpp"
#include "siren/config.hpp"

namespace siren::inline model {

template <class Real>
class LossTerm {
 public:
  virtual ~LossTerm() = default;

  /// `scores` [1 + K] are those of a rated item i and of its negatives j_1 .. j_K; overwritten by
  /// the slopes dL/d(score). Returns the rating's L. `sign`: +1 liked, -1 disliked. Called by many
  /// threads at once.
  virtual double slopes(std::int8_t sign, std::span<Real> scores) const = 0;
};

/// The loss of a configuration: sign-aware BPR (arXiv 2108.08735). With r = scores, and c = 1
/// for liked, config.dislike_factor for disliked ratings
///
///   x_k = c r_i - r_jk,   L = sum_k -log sigma(x_k),   dL/dx_k = -sigma(-x_k)
template <class Precision>
std::unique_ptr<LossTerm<typename Precision::Real>> make_loss_term(
    const TrainConfig& config, const Kernels<Precision>& kernels);

}  // namespace siren::inline model
