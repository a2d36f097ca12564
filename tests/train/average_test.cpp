// SPDX-License-Identifier: Apache-2.0
#include "train/average.hpp"

#include <cmath>
#include <functional>
#include <vector>

#include <gtest/gtest.h>

namespace siren {
namespace {

constexpr ModelShape kShape{.nodes = 12, .dimension = 20};
const ParameterLayout kLayout = parameter_layout(kShape);
constexpr std::int64_t kRows = 12;
constexpr double kDecay = 0.9;

double value_at(std::int64_t step, std::int64_t row, std::int64_t column) {
  return std::sin(static_cast<double>(7 * step + 20 * row + column));
}

void fill(ParameterSet<double>& parameters, std::int64_t step) {
  for (std::int64_t r = 0; r < kRows; ++r)
    for (std::int64_t c = 0; c < kShape.dimension; ++c) {
      parameters.tables[kLiked](r, c) = value_at(step, r, c);
      parameters.tables[kDisliked](r, c) = -value_at(step, r, c);
    }
  for (double& x : parameters.dense.span()) x = static_cast<double>(step);
}

/// The weighted mean by its definition: the value of k steps ago counts decay^k.
double weighted_mean(std::int64_t last, const std::function<double(std::int64_t)>& value) {
  double sum = 0.0;
  double weights = 0.0;
  for (std::int64_t step = kAverageEvery; step <= last; step += kAverageEvery) {
    const double weight = std::pow(kDecay, static_cast<double>(last - step));
    sum += weight * value(step);
    weights += weight;
  }
  return sum / weights;
}

TEST(Average, IsTheWeightedMeanOfWhatItSaw) {
  ParameterSet<double> parameters(kLayout, kRows);
  Average<Fp64> average(kLayout, kRows, kDecay, kernels<Fp64>(best_isa()));
  EXPECT_TRUE(average.is_on());
  for (std::int64_t step = 1; step <= 5 * kAverageEvery; ++step) {
    fill(parameters, step);
    average.add(step, parameters);
    EXPECT_EQ(average.has_values(step), step >= kAverageEvery);
  }
  const std::int64_t last = 5 * kAverageEvery;
  for (std::int64_t r = 0; r < kRows; ++r)
    for (std::int64_t c = 0; c < kShape.dimension; ++c) {
      const double want = weighted_mean(last, [&](std::int64_t s) { return value_at(s, r, c); });
      EXPECT_NEAR(average.values().tables[kLiked](r, c), want, 1e-14);  // five terms of order one
      EXPECT_NEAR(average.values().tables[kDisliked](r, c), -want, 1e-14);
    }
  const double want = weighted_mean(last, [](std::int64_t s) { return static_cast<double>(s); });
  EXPECT_NEAR(average.values().dense[0], want, 1e-13);
}

TEST(Average, IsAFunctionOfTheStepSoThatItCanBeContinued) {
  ParameterSet<double> parameters(kLayout, kRows);
  Average<Fp64> whole(kLayout, kRows, kDecay, kernels<Fp64>(best_isa()));
  Average<Fp64> first(kLayout, kRows, kDecay, kernels<Fp64>(best_isa()));
  Average<Fp64> second(kLayout, kRows, kDecay, kernels<Fp64>(best_isa()));
  for (std::int64_t step = 1; step <= 60; ++step) {
    fill(parameters, step);
    whole.add(step, parameters);
    if (step == 30) std::swap(second.values(), first.values());
    (step < 30 ? first : second).add(step, parameters);
  }
  EXPECT_TRUE(std::equal(whole.values().tables[kLiked].span().begin(),
                         whole.values().tables[kLiked].span().end(),
                         second.values().tables[kLiked].span().begin()));
}

TEST(Average, TakesNoMemoryWhenOff) {
  ParameterSet<double> parameters(kLayout, kRows);
  Average<Fp64> average(kLayout, kRows, 0.0, kernels<Fp64>(best_isa()));
  average.add(kAverageEvery, parameters);
  EXPECT_FALSE(average.is_on());
  EXPECT_FALSE(average.has_values(1000));
  for (const auto& table : average.values().tables) EXPECT_EQ(table.bytes(), 0);
}

}  // namespace
}  // namespace siren
