// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <limits>

#include "kernel_cases.hpp"

namespace siren::test {
namespace {

template <class Precision>
class AdamKernel : public KernelTest<Precision> {};

TYPED_TEST_SUITE(AdamKernel, Precisions);

template <class Real>
constexpr AdamStep<Real> kStep{Real(0.05), Real(0.9), Real(0.999), Real(3.2), Real(1e-8)};

/// One value's update in long double.
struct AdamTwin {
  long double m, v, p;
};
template <class Real>
AdamTwin adam_twin(const AdamStep<Real>& s, Real p, Real m, Real v, Real g) {
  const long double first =
      static_cast<long double>(s.beta1) * m + (1 - static_cast<long double>(s.beta1)) * g;
  const long double second =
      static_cast<long double>(s.beta2) * v + (1 - static_cast<long double>(s.beta2)) * g * g;
  return {first, second,
          p - s.learning_rate * first / (std::sqrt(second) * s.inverse_root_bias + s.epsilon)};
}

// Tolerances count the roundings of each formula: two products, a sum and a difference for the
// moments; for the step half of those plus root, product, sum, product, quotient. The moments'
// terms may cancel, so their error is relative to the terms.
TYPED_TEST(AdamKernel, FollowsItsFormula) {
  using Real = typename TypeParam::Real;
  this->on_every_isa([&](const Kernels<TypeParam>& k) {
    for (const std::int64_t count : {16, 48, 1024}) {
      const auto p = this->template real<Real>(count);
      const auto m = this->template real<Real>(count, 1e-3);
      auto v = this->template real<Real>(count, 1e-5);
      for (Real& x : v) x = std::abs(x);
      const auto g = this->template real<Real>(count, 1e-2);
      auto p1 = p, m1 = m, v1 = v;
      k.adam(p1.data(), m1.data(), v1.data(), g.data(), count, kStep<Real>);
      for (std::size_t i = 0; i < p.size(); ++i) {
        const AdamTwin want = adam_twin(kStep<Real>, p[i], m[i], v[i], g[i]);
        const long double eps = this->kEpsilon;
        const long double terms = 0.9L * std::abs(m[i]) + 0.1L * std::abs(g[i]);
        ASSERT_TRUE(close(m1[i], want.m, 4 * eps * terms));
        ASSERT_TRUE(close(v1[i], want.v, 4 * eps * want.v));
        const long double root =
            std::sqrt(want.v) * kStep<Real>.inverse_root_bias + kStep<Real>.epsilon;
        const long double moved =
            kStep<Real>.learning_rate * (std::abs(want.m) * 8 + terms * 4) / root;
        ASSERT_TRUE(close(p1[i], want.p, eps * (moved + std::abs(want.p))));
      }
    }
  });
}

TYPED_TEST(AdamKernel, MovesRowsWithoutGradientAndLeavesZerosAlone) {
  using Real = typename TypeParam::Real;
  this->on_every_isa([&](const Kernels<TypeParam>& k) {
    std::vector<Real> p(32, Real{1}), m(32, Real(0.5)), v(32, Real(0.25)), g(32, Real{0});
    for (std::size_t i = 16; i < 32; ++i) p[i] = m[i] = v[i] = Real{0};  // padding
    k.adam(p.data(), m.data(), v.data(), g.data(), 32, kStep<Real>);
    for (std::size_t i = 0; i < 16; ++i) {
      EXPECT_LT(p[i], Real{1});
      EXPECT_EQ(m[i], Real(0.5) * Real(0.9));
      EXPECT_EQ(v[i], Real(0.25) * Real(0.999));
    }
    for (std::size_t i = 16; i < 32; ++i) EXPECT_TRUE(p[i] == 0 && m[i] == 0 && v[i] == 0) << i;
  });
}

TYPED_TEST(AdamKernel, TellsOfAGradientThatIsNotFinite) {
  using Real = typename TypeParam::Real;
  this->on_every_isa([&](const Kernels<TypeParam>& k) {
    for (std::size_t bad = 0; bad <= 48; ++bad) {
      std::vector<Real> p(49, Real{1}), m(49, Real{0}), v(49, Real{0}), g(49, Real(0.5));
      g[bad] = bad % 2 == 0 ? std::nan("") : std::numeric_limits<Real>::infinity();
      EXPECT_EQ(k.adam(p.data(), m.data(), v.data(), g.data(), 48, kStep<Real>), bad == 48) << bad;
    }
  });
}

TYPED_TEST(AdamKernel, HasTheSameBitsHoweverTheValuesAreSplit) {
  using Real = typename TypeParam::Real;
  this->on_every_isa([&](const Kernels<TypeParam>& k) {
    const auto g = this->template real<Real>(160);
    const auto p = this->template real<Real>(160);
    auto p1 = p, m1 = g, v1 = std::vector<Real>(160, Real(0.1));
    auto p2 = p1, m2 = m1, v2 = v1;
    k.adam(p1.data(), m1.data(), v1.data(), g.data(), 160, kStep<Real>);
    for (std::int64_t i = 0; i < 160; i += 16)
      k.adam(p2.data() + i, m2.data() + i, v2.data() + i, g.data() + i, 16, kStep<Real>);
    EXPECT_TRUE(same_bits(p1, p2));
    EXPECT_TRUE(same_bits(m1, m2));
    EXPECT_TRUE(same_bits(v1, v2));
  });
}

TYPED_TEST(AdamKernel, RowsWithoutAPlaceInACompactGradientHaveNone) {
  using Real = typename TypeParam::Real;
  this->on_every_isa([&](const Kernels<TypeParam>& k) {
    for (const std::int64_t width : {16, 64, 80}) {
      const std::vector<std::int32_t> places = {-1, 1, -1, 0, 2, -1};
      const auto rows = std::ssize(places);
      const auto compact = this->template real<Real>(3 * width);
      std::vector<Real> whole(static_cast<std::size_t>(rows * width), Real{0});
      for (std::int64_t r = 0; r < rows; ++r)
        if (const std::int64_t place = places[static_cast<std::size_t>(r)]; place >= 0)
          std::copy_n(compact.begin() + place * width, width, whole.begin() + r * width);
      const auto p = this->template real<Real>(rows * width);
      auto p1 = p, m1 = p, p2 = p, m2 = p;
      std::vector<Real> v1(p.size(), Real(0.1)), v2 = v1;
      EXPECT_TRUE(k.adam(p1.data(), m1.data(), v1.data(), whole.data(), rows * width, kStep<Real>));
      const AdamRows<Real> tables{p2.data(),      m2.data(),     v2.data(),
                                  compact.data(), places.data(), width};
      EXPECT_TRUE(k.adam_rows(tables, 0, 2, kStep<Real>));
      EXPECT_TRUE(k.adam_rows(tables, 2, rows, kStep<Real>));
      EXPECT_TRUE(same_bits(p1, p2) && same_bits(m1, m2) && same_bits(v1, v2)) << width;
      p2[static_cast<std::size_t>(5 * width + 3)] = std::nan("");  // of a row without a gradient
      EXPECT_TRUE(k.adam_rows(tables, 0, 5, kStep<Real>));
      EXPECT_FALSE(k.adam_rows(tables, 5, rows, kStep<Real>));
    }
  });
}

}  // namespace
}  // namespace siren::test
