// SPDX-License-Identifier: Apache-2.0
// Adam with dense semantics: every row moves at every step, also those without a gradient.
//
//   m = b1 m + (1 - b1) g         v = b2 v + (1 - b2) g^2
//   p -= lr / (1 - b1^t) * m / (sqrt(v) / sqrt(1 - b2^t) + eps)
#pragma once

#include <cstdint>

#include "math/kernels.hpp"
#include "model/siren.hpp"
#include "siren/config.hpp"

namespace siren::inline train {

// How the learning rate changes over a run: it rises linearly over the warm-up, then stays, or falls
// on half a cosine to zero at the end of the schedule.

/// Of update `step`, from 1. A cosine needs config.lr_steps > 0; behind them the rate is that of the
/// last of them.
double learning_rate(const TrainConfig& config, std::int64_t step);

template <class Precision>
class Adam {
 public:
  using Real = typename Precision::Real;

  /// `layout` is borrowed.
  Adam(const ParameterLayout& layout, std::int64_t rows, const Kernels<Precision>& kernels);

  /// Update number t, from 1, at learning rate `rate`; the compact gradients are those of the rows
  /// `needed`. False if a gradient was not finite or an updated value is not.
  bool update(std::int64_t t, double rate, const Gradients<Real>& gradients, const RowSet& needed,
              ParameterSet<Real>& parameters);

  ParameterSet<Real>& first_moments() { return first_; }
  ParameterSet<Real>& second_moments() { return second_; }

 private:
  static constexpr double kBeta1 = 0.9;
  static constexpr double kBeta2 = 0.999;
  static constexpr double kEpsilon = 1e-8;

  const ParameterLayout& layout_;
  const Kernels<Precision>& kernels_;
  ParameterSet<Real> first_;
  ParameterSet<Real> second_;
};

}  // namespace siren::inline train
