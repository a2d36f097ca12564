// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "kernel_cases.hpp"

namespace siren::test {
namespace {

template <class Precision>
class BatchKernels : public KernelTest<Precision> {
 protected:
  static constexpr std::int64_t kRows = 20;
  std::vector<std::int32_t> slots(std::int64_t count) {
    std::vector<std::int32_t> drawn;
    for (std::int64_t i = 0; i < count; ++i)
      drawn.push_back(static_cast<std::int32_t>(this->below(kRows)));
    return drawn;
  }
};

TYPED_TEST_SUITE(BatchKernels, Precisions);

template <class T>
double value(const std::vector<T>& table, std::int64_t row, std::int64_t width,
             std::int64_t column) {
  return static_cast<double>(
      static_cast<float>(table[static_cast<std::size_t>(row * width + column)]));
}

TYPED_TEST(BatchKernels, DotsAreScalarProductsWithTheRowsOfTheSlots) {
  using Real = typename TypeParam::Real;
  using Stored = typename TypeParam::Stored;
  this->on_every_isa([&](const Kernels<TypeParam>& k) {
    for (const std::int64_t width : kWidths) {
      const auto table = this->template whole<Stored>(this->kRows * width);
      const auto u = this->template whole<Real>(width);
      const auto slots = this->slots(41);
      std::vector<Real> out(slots.size() + 1, Real{-999});
      k.dots(u.data(), table.data(), slots.data(), 41, width, out.data());
      for (std::size_t i = 0; i < slots.size(); ++i) {
        double want = 0.0;
        for (std::int64_t c = 0; c < width; ++c)
          want += static_cast<double>(u[static_cast<std::size_t>(c)]) *
                  value(table, slots[i], width, c);
        ASSERT_EQ(static_cast<double>(out[i]), want) << "width " << width << " dot " << i;
      }
      EXPECT_EQ(out.back(), Real{-999});
    }
  });
}

TYPED_TEST(BatchKernels, AddScaledAddsARowAndReturnsItsSquare) {
  using Real = typename TypeParam::Real;
  using Stored = typename TypeParam::Stored;
  this->on_every_isa([&](const Kernels<TypeParam>& k) {
    for (const std::int64_t width : kWidths) {
      const auto real = this->template whole<Real>(width);
      const auto stored = this->template whole<Stored>(width);
      const auto before = this->template whole<Real>(width);
      std::vector<Real> to = before;
      std::vector<Real> to_stored = before;
      const double square = k.add_scaled(real.data(), Real{3}, width, to.data());
      const double square_stored =
          k.add_scaled_stored(stored.data(), Real{3}, width, to_stored.data());
      double want = 0.0;  // whole numbers: exact
      double want_stored = 0.0;
      for (std::size_t c = 0; c < real.size(); ++c) {
        const auto x = static_cast<double>(real[c]);
        const auto y = static_cast<double>(static_cast<Real>(stored[c]));
        want += x * x;
        want_stored += y * y;
        ASSERT_EQ(to[c], before[c] + Real{3} * real[c]);
        ASSERT_EQ(to_stored[c], before[c] + Real{3} * static_cast<Real>(stored[c]));
      }
      EXPECT_EQ(square, want);
      EXPECT_EQ(square_stored, want_stored);
    }
  });
}

TYPED_TEST(BatchKernels, ADotHasTheSameBitsWhateverItsNeighbours) {
  using Real = typename TypeParam::Real;
  using Stored = typename TypeParam::Stored;
  this->on_every_isa([&](const Kernels<TypeParam>& k) {
    for (const std::int64_t width : kWidths) {
      const auto table = this->template real<Stored>(this->kRows * width);
      const auto u = this->template real<Real>(width);
      const auto slots = this->slots(41);
      std::vector<Real> together(slots.size());
      std::vector<Real> alone(slots.size());
      k.dots(u.data(), table.data(), slots.data(), 41, width, together.data());
      for (std::size_t i = 0; i < slots.size(); ++i)
        k.dots(u.data(), table.data(), slots.data() + i, 1, width, alone.data() + i);
      EXPECT_TRUE(same_bits(together, alone));
    }
  });
}

TYPED_TEST(BatchKernels, WeightedSumsAddToWhatWasThere) {
  using Real = typename TypeParam::Real;
  using Stored = typename TypeParam::Stored;
  this->on_every_isa([&](const Kernels<TypeParam>& k) {
    for (const std::int64_t width : kWidths)
      for (const std::int64_t count : {0, 1, 2, 41}) {
        const auto stored = this->template whole<Stored>(this->kRows * width);
        const auto real = this->template whole<Real>(this->kRows * width);
        const auto slots = this->slots(count);
        const auto weights = this->template whole<Real>(count);
        const auto before = this->template whole<Real>(width);
        std::vector<Real> from_stored = before;
        std::vector<Real> from_real = before;
        k.weighted_sum(stored.data(), slots.data(), weights.data(), count, width,
                       from_stored.data());
        k.weighted_sum_real(real.data(), slots.data(), weights.data(), count, width,
                            from_real.data());
        for (std::int64_t c = 0; c < width; ++c) {
          double want_stored = static_cast<double>(before[static_cast<std::size_t>(c)]);
          double want_real = want_stored;
          for (std::size_t i = 0; i < slots.size(); ++i) {
            want_stored += static_cast<double>(weights[i]) * value(stored, slots[i], width, c);
            want_real += static_cast<double>(weights[i]) * value(real, slots[i], width, c);
          }
          ASSERT_EQ(static_cast<double>(from_stored[static_cast<std::size_t>(c)]), want_stored)
              << "width " << width << " column " << c;
          ASSERT_EQ(static_cast<double>(from_real[static_cast<std::size_t>(c)]), want_real)
              << "width " << width << " column " << c;
        }
      }
  });
}

/// From -120 to 120 in small steps, and what lies beyond: far out, tiny, zero.
template <class Real>
std::vector<Real> arguments() {
  std::vector<Real> x;
  for (int i = -120 * 64; i <= 120 * 64; ++i)
    x.push_back(static_cast<Real>(i / 64.0 + 1e-3 * (i % 7)));
  for (const double far :
       {1e-30, 1e-8, 86.9, 87.1, 88.5, 100.0, 104.0, 700.0, 707.0, 708.5, 710.0, 745.0, 1e4, 1e30})
    for (const double sign : {-1.0, 1.0}) x.push_back(static_cast<Real>(sign * far));
  x.push_back(std::numeric_limits<Real>::denorm_min());
  x.push_back(std::numeric_limits<Real>::min());
  x.push_back(Real{0});
  x.push_back(-Real{0});
  return x;
}

// Relative error of a few units in the last place wherever the true value is a normal number, else
// absolutely no more than the smallest normal numbers (the exponential stops there).
TYPED_TEST(BatchKernels, LogSigmoidIsAccurateOverTheWholeRange) {
  using Real = typename TypeParam::Real;
  constexpr long double kUlps = 6;
  this->on_every_isa([&](const Kernels<TypeParam>& k) {
    const std::vector<Real> x = arguments<Real>();
    std::vector<Real> slope = x;
    std::vector<Real> term(x.size());
    k.log_sigmoid(slope.data(), term.data(), static_cast<std::int64_t>(x.size()));
    for (std::size_t i = 0; i < x.size(); ++i) {
      const long double v = x[i];
      const long double want_term = std::max(-v, 0.0L) + std::log1p(std::exp(-std::abs(v)));
      const long double want_slope =
          v < 0 ? -1 / (1 + std::exp(v)) : -std::exp(-v) / (1 + std::exp(-v));
      const long double tiny = 4 * static_cast<long double>(std::numeric_limits<Real>::min());
      const long double relative = kUlps * this->kEpsilon;
      ASSERT_TRUE(close(term[i], want_term, relative * want_term + tiny)) << "x = " << v;
      ASSERT_TRUE(close(slope[i], want_slope, -relative * want_slope + tiny)) << "x = " << v;
      ASSERT_GE(term[i], 0) << "x = " << v;
      ASSERT_LE(slope[i], 0) << "x = " << v;
    }
  });
}

TYPED_TEST(BatchKernels, LogSigmoidOfInfinityAndNan) {
  using Real = typename TypeParam::Real;
  using Limits = std::numeric_limits<Real>;
  this->on_every_isa([&](const Kernels<TypeParam>& k) {
    std::vector<Real> x = {Limits::infinity(), -Limits::infinity(), Limits::quiet_NaN(),
                           -Limits::quiet_NaN(), Limits::infinity() - Limits::infinity()};
    std::vector<Real> term(x.size());
    k.log_sigmoid(x.data(), term.data(), static_cast<std::int64_t>(x.size()));
    EXPECT_LT(term[0], 2 * Limits::min());
    EXPECT_GT(x[0], -2 * Limits::min());
    EXPECT_EQ(term[1], Limits::infinity());
    EXPECT_EQ(x[1], Real{-1});
    for (std::size_t nan = 2; nan < x.size(); ++nan) {
      EXPECT_TRUE(std::isnan(term[nan])) << nan;
      EXPECT_TRUE(std::isnan(x[nan])) << nan;
    }
  });
}

TYPED_TEST(BatchKernels, LogSigmoidHasTheSameBitsAtAnyPlaceAndStopsAtTheCount) {
  using Real = typename TypeParam::Real;
  this->on_every_isa([&](const Kernels<TypeParam>& k) {
    const std::vector<Real> x = this->template real<Real>(100, 20.0);
    std::vector<Real> alone = x;
    std::vector<Real> alone_term(x.size());
    for (std::size_t i = 0; i < x.size(); ++i)
      k.log_sigmoid(alone.data() + i, alone_term.data() + i, 1);
    for (std::size_t count = 0; count <= x.size(); ++count) {
      std::vector<Real> slope = x;
      std::vector<Real> term(x.size(), Real{-999});
      k.log_sigmoid(slope.data(), term.data(), static_cast<std::int64_t>(count));
      const auto n = static_cast<std::int64_t>(count);
      ASSERT_TRUE(same_bits(slope.data(), alone.data(), n)) << count;
      ASSERT_TRUE(same_bits(term.data(), alone_term.data(), n)) << count;
      for (std::size_t i = count; i < x.size(); ++i) {
        ASSERT_EQ(slope[i], x[i]) << count;
        ASSERT_EQ(term[i], Real{-999}) << count;
      }
    }
  });
}

TYPED_TEST(BatchKernels, AtLeastFindsWhatReachesTheThresholdAscending) {
  using Real = typename TypeParam::Real;
  using Limits = std::numeric_limits<Real>;
  this->on_every_isa([&](const Kernels<TypeParam>& k) {
    for (std::int64_t count = 0; count < 300; count += 1 + count / 9)
      for (const Real threshold : {Real(-10), Real(0), Real(7), Real(8), Real(9),
                                   Limits::infinity(), -Limits::infinity(), Limits::quiet_NaN()}) {
        std::vector<Real> scores = this->template whole<Real>(count);
        for (std::size_t i = 5; i < scores.size(); i += 50) scores[i] = Limits::quiet_NaN();
        for (std::size_t i = 9; i < scores.size(); i += 70)
          scores[i] = i % 4 == 0 ? Limits::infinity() : -Limits::infinity();
        std::vector<std::int32_t> want;
        for (std::int64_t i = 0; i < count; ++i)
          if (scores[static_cast<std::size_t>(i)] >= threshold)
            want.push_back(static_cast<std::int32_t>(i));
        std::vector<std::int32_t> found(scores.size() + 1, -7);
        const std::int64_t hits = k.at_least(scores.data(), count, threshold, found.data());
        ASSERT_EQ(found.back(), -7) << "wrote behind its end";
        ASSERT_EQ(std::vector<std::int32_t>(found.begin(), found.begin() + hits), want)
            << count << " scores, threshold " << threshold;
      }
  });
}

}  // namespace
}  // namespace siren::test
