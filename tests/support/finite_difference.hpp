// SPDX-License-Identifier: Apache-2.0
// Evaluates a gradient by central differences in double.
#pragma once

#include <cmath>

#include <gtest/gtest.h>

namespace siren::test {

inline constexpr double kDifferenceStep = 1e-5;

/// The derivative of f() with respect to `value`, which f reads.
template <class Function>
double central_difference(double& value, const Function& f) {
  const double before = value;
  value = before + kDifferenceStep;
  const double above = f();
  value = before - kDifferenceStep;
  const double below = f();
  value = before;
  return (above - below) / (2 * kDifferenceStep);
}

/// A step of 1e-5 is off by some 1e-10 times the third derivative, and by rounding: 1e-11 times
/// the size of f. A relu in between must not change sides, which random inputs see to.
inline ::testing::AssertionResult is_derivative(double gradient, double difference,
                                                double size_of_f = 1.0) {
  const double tolerance = 1e-8 * (1.0 + std::abs(difference)) + 1e-10 * size_of_f;
  if (std::abs(gradient - difference) <= tolerance) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure()
         << "gradient " << gradient << ", but the function changes at a rate of " << difference;
}

}  // namespace siren::test
