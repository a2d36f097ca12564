// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "kernel_cases.hpp"

namespace siren::test {
namespace {

constexpr std::int64_t kRows = 21;

template <class Precision>
class AttentionKernels : public KernelTest<Precision> {
 protected:
  using Value = typename Precision::Real;
};

TYPED_TEST_SUITE(AttentionKernels, Reals);

// Absolute: near zero the tangent comes from a difference of numbers near one.
TYPED_TEST(AttentionKernels, TanhIsAccurateToTwoUnitsOfOneOverTheWholeRange) {
  using Real = typename TypeParam::Real;
  using Limits = std::numeric_limits<Real>;
  this->on_every_isa([&](const Kernels<TypeParam>& k) {
    std::vector<Real> x;
    for (int i = -1024; i < 1024; ++i) x.push_back(static_cast<Real>(i / 64.0 + 1e-4 * (i % 11)));
    for (const double far :
         {0.0, 1e-30, 1e-7, 1e-3, 43.4, 100.0, 1e4, 1e30, static_cast<double>(Limits::infinity())})
      for (const double sign : {-1.0, 1.0}) x.push_back(static_cast<Real>(sign * far));
    while (x.size() % 16 != 0) x.push_back(Limits::quiet_NaN());
    const auto width = static_cast<std::int64_t>(x.size());
    const std::vector<Real> zero(x.size(), Real{0});
    auto h = x;
    Real score{};
    k.tanh_score(h.data(), 1, {zero.data(), zero.data(), width, this->keep_all()}, &score);
    for (std::size_t i = 0; i < x.size(); ++i) {
      if (std::isnan(x[i]))
        ASSERT_TRUE(std::isnan(h[i]));
      else
        ASSERT_TRUE(close(h[i], std::tanh(static_cast<long double>(x[i])), 2.0L * this->kEpsilon))
            << "x = " << x[i];
      ASSERT_FALSE(std::abs(h[i]) > 1) << "x = " << x[i];
    }
  });
}

// A score is a sum of `width` products: that many roundings of the sum of magnitudes, besides the
// error of each tangent (above).
TYPED_TEST(AttentionKernels, TanhScoreIsTheQueryTimesTheDroppedTangents) {
  using Real = typename TypeParam::Real;
  this->on_every_isa([&](const Kernels<TypeParam>& k) {
    for (const std::int64_t width : kWidths)
      for (const bool drop : {false, true}) {
        const auto x = this->template real<Real>(kRows * width, 3.0);
        const auto bias = this->template real<Real>(width);
        const auto query = this->template real<Real>(width);
        const auto mask = this->mask(kRows, width);
        auto h = x;
        std::vector<Real> score(kRows + 1, Real{-999});
        k.tanh_score(
            h.data(), kRows,
            {bias.data(), query.data(), width, drop ? mask.view(Real{2}) : this->keep_all()},
            score.data());
        for (std::int64_t r = 0; r < kRows; ++r) {
          long double want = 0, size = 0;
          for (std::int64_t c = 0; c < width; ++c) {
            const auto at = static_cast<std::size_t>(r * width + c);
            const auto column = static_cast<std::size_t>(c);
            const long double t = std::tanh(static_cast<long double>(x[at]) + bias[column]);
            ASSERT_TRUE(close(h[at], t, 4.0L * this->kEpsilon));
            const long double factor = drop ? (mask.keeps(r, c) ? 2.0L : 0.0L) : 1.0L;
            want += factor * query[column] * t;
            size += factor * std::abs(query[column]);
          }
          ASSERT_TRUE(close(score[static_cast<std::size_t>(r)], want,
                            static_cast<long double>(width) * this->kEpsilon * size))
              << "width " << width << " row " << r;
        }
        EXPECT_EQ(score.back(), Real{-999});
      }
  });
}

// 1 - t^2 and the products around it: a few roundings of the factors.
TYPED_TEST(AttentionKernels, TanhScoreBackwardFollowsTheChainRule) {
  using Real = typename TypeParam::Real;
  this->on_every_isa([&](const Kernels<TypeParam>& k) {
    for (const std::int64_t width : kWidths) {
      const auto t = this->template real<Real>(kRows * width);
      const auto ds = this->template real<Real>(kRows);
      const auto query = this->template real<Real>(width);
      const auto mask = this->mask(kRows, width);
      auto h = t;
      std::vector<Real> dq(query.size(), Real{1}), db(query.size(), Real{1});
      k.tanh_score_backward(h.data(), ds.data(), kRows,
                            {query.data(), query.data(), width, mask.view(Real{2})}, dq.data(),
                            db.data());
      for (std::int64_t c = 0; c < width; ++c) {
        const auto column = static_cast<std::size_t>(c);
        long double want_dq = 1, want_db = 1;
        for (std::int64_t r = 0; r < kRows; ++r) {
          const auto at = static_cast<std::size_t>(r * width + c);
          const long double through =
              mask.keeps(r, c) ? 2.0L * ds[static_cast<std::size_t>(r)] : 0.0L;
          const long double want =
              through * query[column] * (1 - static_cast<long double>(t[at]) * t[at]);
          ASSERT_TRUE(close(h[at], want, 4 * this->kEpsilon * std::abs(through * query[column])))
              << "row " << r << " column " << c;
          want_dq += through * t[at];
          want_db += want;
        }
        // sums of kRows + 1 terms of at most 2
        ASSERT_TRUE(close(dq[column], want_dq, 2.0L * kRows * kRows * this->kEpsilon));
        ASSERT_TRUE(close(db[column], want_db, 2.0L * kRows * kRows * this->kEpsilon));
      }
    }
  });
}

TYPED_TEST(AttentionKernels, BlendWeighsByTheSoftmaxOfTheScores) {
  using Real = typename TypeParam::Real;
  using Limits = std::numeric_limits<Real>;
  this->on_every_isa([&](const Kernels<TypeParam>& k) {
    for (const std::int64_t width : kWidths) {
      const auto zp = this->template real<Real>(kRows * width);
      const auto zn = this->template real<Real>(kRows * width);
      auto p = this->template real<Real>(kRows, 10.0);
      const auto n = this->template real<Real>(kRows, 10.0);
      p[0] = n[0];
      p[1] = 1000;
      p[2] = -1000;
      p[3] = Limits::infinity();
      p[4] = -Limits::infinity();
      std::vector<Real> share(kRows + 1, Real{-999});
      std::vector<Real> z(zp.size());
      k.blend({zp.data(), zn.data(), kRows, width}, p.data(), n.data(), share.data(), z.data());
      EXPECT_EQ(share[0], Real(0.5));
      for (std::size_t r = 0; r < kRows; ++r) {
        const long double want = 1 / (1 + std::exp(static_cast<long double>(n[r]) - p[r]));
        const long double exponent =
            std::min(std::abs(static_cast<long double>(n[r]) - p[r]), 1000.0L);
        // the rounding of the difference of scores is one of the exponent
        const long double relative = (8 + exponent) * this->kEpsilon;
        ASSERT_TRUE(
            close(share[r], want, relative * want + 4 * static_cast<long double>(Limits::min())))
            << "row " << r;
        for (std::size_t c = 0; c < static_cast<std::size_t>(width); ++c) {
          const std::size_t at = r * static_cast<std::size_t>(width) + c;
          const long double mixed = static_cast<long double>(share[r]) * zp[at] +
                                    (1 - static_cast<long double>(share[r])) * zn[at];
          ASSERT_TRUE(close(z[at], mixed, 4 * this->kEpsilon))
              << "row " << r << " column " << c;  // |zp|, |zn| < 1
        }
      }
      EXPECT_EQ(share.back(), Real{-999});
    }
  });
}

TYPED_TEST(AttentionKernels, BlendOfNanIsNan) {
  using Real = typename TypeParam::Real;
  this->on_every_isa([&](const Kernels<TypeParam>& k) {
    const std::vector<Real> z(32, Real{1});
    std::vector<Real> p(2, Real{0}), share(2), out(32);
    p[1] = std::numeric_limits<Real>::quiet_NaN();
    k.blend({z.data(), z.data(), 2, 16}, p.data(), z.data(), share.data(), out.data());
    EXPECT_FALSE(std::isnan(share[0]));
    EXPECT_TRUE(std::isnan(share[1]));
  });
}

TYPED_TEST(AttentionKernels, BlendBackwardFollowsTheChainRuleInPlaceToo) {
  using Real = typename TypeParam::Real;
  this->on_every_isa([&](const Kernels<TypeParam>& k) {
    for (const std::int64_t width : kWidths) {
      const auto zp = this->template real<Real>(kRows * width);
      const auto zn = this->template real<Real>(kRows * width);
      const auto dz = this->template real<Real>(kRows * width);
      auto share = this->template real<Real>(kRows, 0.5);
      for (Real& a : share) a += Real(0.5);
      std::vector<Real> ds(kRows), dzp(zp.size()), dzn(zp.size());
      k.blend_backward({zp.data(), zn.data(), kRows, width}, share.data(), dz.data(), ds.data(),
                       dzp.data(), dzn.data());
      for (std::size_t r = 0; r < kRows; ++r) {
        long double want = 0;
        for (std::size_t at = r * static_cast<std::size_t>(width);
             at < (r + 1) * static_cast<std::size_t>(width); ++at) {
          ASSERT_EQ(dzp[at], share[r] * dz[at]);
          ASSERT_EQ(dzn[at], (Real{1} - share[r]) * dz[at]);
          want += static_cast<long double>(dz[at]) * (static_cast<long double>(zp[at]) - zn[at]);
        }
        want *= static_cast<long double>(share[r]) * (1 - static_cast<long double>(share[r]));
        // a sum of `width` terms of at most 2, times at most 1/4
        ASSERT_TRUE(close(
            ds[r], want,
            static_cast<long double>(width) * this->kEpsilon * static_cast<long double>(width) / 2))
            << "row " << r;
      }
      auto in_place = dz;
      std::vector<Real> ds2(kRows), dzp2(zp.size());
      k.blend_backward({zp.data(), zn.data(), kRows, width}, share.data(), in_place.data(),
                       ds2.data(), dzp2.data(), in_place.data());
      EXPECT_TRUE(same_bits(in_place, dzn));
      EXPECT_TRUE(same_bits(dzp2, dzp));
      EXPECT_TRUE(same_bits(ds2, ds));
    }
  });
}

}  // namespace
}  // namespace siren::test
