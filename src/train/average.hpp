// SPDX-License-Identifier: Apache-2.0
// A running mean of the parameters, which often ranks better than the parameters themselves: they
// jump about with every batch, their mean does not.
//
// Every kAverageEvery-th step s = n kAverageEvery the n-th value p enters with
//
//   mean += (p - mean) (1 - b) / (1 - b^n),   b = decay^kAverageEvery
//
// so that the weights of all values seen so far sum to one and those k steps old count decay^k.
#pragma once

#include <cstdint>

#include "math/kernels.hpp"
#include "model/siren.hpp"

namespace siren::inline train {

inline constexpr std::int64_t kAverageEvery = 8;

/// Whether a mean with this decay has seen any value up to `step`.
constexpr bool average_has_values(double decay, std::int64_t step) {
  return decay > 0.0 && step >= kAverageEvery;
}

template <class Precision>
class Average {
 public:
  using Real = typename Precision::Real;

  /// decay 0: there is no mean, and no memory is taken for one.
  Average(const ParameterLayout& layout, std::int64_t rows, double decay,
          const Kernels<Precision>& kernels);

  bool is_on() const { return decay_ > 0.0; }
  /// After every step; most add nothing.
  void add(std::int64_t step, const ParameterSet<Real>& parameters);
  /// Whether anything has been added up to this step.
  bool has_values(std::int64_t step) const { return average_has_values(decay_, step); }
  ParameterSet<Real>& values() { return values_; }

 private:
  double decay_;
  const Kernels<Precision>& kernels_;
  ParameterSet<Real> values_;
};

}  // namespace siren::inline train
