// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <limits>

#include "kernel_cases.hpp"

namespace siren::test {
namespace {

template <class Precision>
class SoftmaxKernels : public KernelTest<Precision> {};

TYPED_TEST_SUITE(SoftmaxKernels, Reals);

TYPED_TEST(SoftmaxKernels, ScoresAreScaledShiftedAndTheirLargestIsFound) {
  using Real = typename TypeParam::Real;
  this->on_every_isa([&](const Kernels<TypeParam>& k) {
    for (const std::int64_t count : {16, 48, 64, 80, 272})
      for (std::int64_t top = 0; top < count; top += 7) {
        auto x = this->template real<Real>(count);
        auto shift = this->template real<Real>(count);
        x[static_cast<std::size_t>(top)] = 100;
        shift.back() = -std::numeric_limits<Real>::infinity();  // as padding has it
        auto want = x;
        for (std::size_t i = 0; i < x.size(); ++i) want[i] = x[i] * Real{2} + shift[i];
        const Real largest = k.scale_and_shift(x.data(), Real{2}, shift.data(), count);
        EXPECT_EQ(largest, *std::max_element(want.begin(), want.end()));
        for (std::size_t i = 0; i < x.size(); ++i)
          EXPECT_TRUE(x[i] == want[i] ||
                      std::abs(x[i] - want[i]) <= this->kEpsilon * 4 * std::abs(want[i]))
              << i;
      }
  });
}

// Each exponential is right to two units in the last place; a sum of up to 272 adds as many roundings.
TYPED_TEST(SoftmaxKernels, ExponentialsAreThoseOfTheLibrary) {
  using Real = typename TypeParam::Real;
  this->on_every_isa([&](const Kernels<TypeParam>& k) {
    for (const std::int64_t count : {16, 48, 64, 80, 272}) {
      auto x = this->template real<Real>(count, 20.0);
      const Real largest = *std::max_element(x.begin(), x.end());
      x[3] = -std::numeric_limits<Real>::infinity();
      const auto before = x;
      const Real sum = k.exp_and_sum(x.data(), largest, count);
      long double want = 0.0L;
      for (std::size_t i = 0; i < x.size(); ++i) {
        const long double value =
            std::exp(static_cast<long double>(before[i]) - static_cast<long double>(largest));
        want += value;
        // the difference is rounded first: its error is relative to 40, the largest argument
        EXPECT_NEAR(
            static_cast<double>(x[i]), static_cast<double>(value),
            (44.0 * static_cast<double>(this->kEpsilon)) * static_cast<double>(value) + 1e-37)
            << i;
      }
      EXPECT_NEAR(static_cast<double>(sum), static_cast<double>(want),
                  static_cast<double>(want) * 320 * static_cast<double>(this->kEpsilon));
      k.scale(x.data(), Real{0.5}, count);
      EXPECT_NEAR(static_cast<double>(x[0]),
                  0.5 * std::exp(static_cast<double>(before[0]) - static_cast<double>(largest)),
                  44.0 * static_cast<double>(this->kEpsilon));
    }
  });
}

}  // namespace
}  // namespace siren::test
