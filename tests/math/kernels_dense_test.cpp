// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "kernel_cases.hpp"

namespace siren::test {
namespace {

constexpr std::int64_t kRows = 21;

template <class Precision>
class DenseKernels : public KernelTest<Precision> {
 protected:
  using Value = typename Precision::Real;
};

TYPED_TEST_SUITE(DenseKernels, Reals);

TYPED_TEST(DenseKernels, ReluDropoutKeepsScalesAndZeroes) {
  using Real = typename TypeParam::Real;
  this->on_every_isa([&](const Kernels<TypeParam>& k) {
    for (const std::int64_t width : kWidths) {
      const auto x = this->template real<Real>(kRows * width);
      const auto bias = this->template real<Real>(width);
      const auto mask = this->mask(kRows, width);
      auto dropped = x, kept = x;
      k.relu_dropout(dropped.data(), bias.data(), kRows, width, mask.view(Real(1.25)));
      k.relu_dropout(kept.data(), bias.data(), kRows, width, this->keep_all());
      for (std::int64_t i = 0; i < kRows * width; ++i) {
        const auto at = static_cast<std::size_t>(i);
        const Real relu = std::max(x[at] + bias[static_cast<std::size_t>(i % width)], Real{0});
        ASSERT_EQ(kept[at], relu) << "width " << width << " at " << i;
        ASSERT_EQ(dropped[at], mask.keeps(i / width, i % width) ? relu * Real(1.25) : Real{0})
            << "width " << width << " at " << i;
      }
    }
  });
}

TYPED_TEST(DenseKernels, ReluPassesNanOn) {
  using Real = typename TypeParam::Real;
  this->on_every_isa([&](const Kernels<TypeParam>& k) {
    std::vector<Real> x(16, Real{-1});
    const std::vector<Real> bias(16, Real{0});
    x[3] = std::numeric_limits<Real>::quiet_NaN();
    k.relu_dropout(x.data(), bias.data(), 1, 16, this->keep_all());
    for (std::size_t c = 0; c < 16; ++c) EXPECT_EQ(std::isnan(x[c]), c == 3) << c;
  });
}

TYPED_TEST(DenseKernels, ReluDropoutBackwardMasksTheGradientAndSumsTheBias) {
  using Real = typename TypeParam::Real;
  this->on_every_isa([&](const Kernels<TypeParam>& k) {
    for (const std::int64_t width : kWidths) {
      auto y = this->template whole<Real>(kRows * width);
      for (Real& value : y) value = std::max(value, Real{0});
      const auto d = this->template whole<Real>(kRows * width);
      const auto before = this->template whole<Real>(width);
      auto slope = d, bias = before, want_bias = before;
      k.relu_dropout_backward(y.data(), slope.data(), kRows, width, Real{2}, bias.data());
      for (std::size_t i = 0; i < d.size(); ++i) {
        const Real want = y[i] > 0 ? 2 * d[i] : Real{0};
        want_bias[i % static_cast<std::size_t>(width)] += want;
        ASSERT_EQ(slope[i], want) << "width " << width << " at " << i;
      }
      EXPECT_TRUE(same_bits(bias, want_bias)) << "width " << width;
    }
  });
}

/// Everything that a row goes through, for rows [begin, end) of the same input.
template <class Precision>
struct RowResults {
  using Real = typename Precision::Real;
  std::vector<Real> relu, hidden, score, share, z, ds, dzp, dzn;

  RowResults(const Kernels<Precision>& k, const std::vector<Real>& x,
             const std::vector<std::uint64_t>& mask, std::int64_t begin, std::int64_t end) {
    const std::int64_t width = 48;
    const std::int64_t rows = end - begin;
    const auto n = static_cast<std::size_t>(rows);
    const DropoutMask<Real> drop{mask.data() + begin, 1, Real{2}};
    relu.assign(x.begin() + begin * width, x.begin() + end * width);
    hidden = relu;
    z = dzp = dzn = relu;
    score.resize(n);
    share.resize(n);
    ds.resize(n);
    const std::vector<Real> bias(x.begin(), x.begin() + width);
    const std::vector<Real> zn = relu;
    k.relu_dropout(relu.data(), bias.data(), rows, width, drop);
    k.tanh_score(hidden.data(), rows, {bias.data(), bias.data(), width, drop}, score.data());
    const std::vector<Real> flat(n, Real{0});
    const BranchRows<Real> branches{hidden.data(), zn.data(), rows, width};
    k.blend(branches, score.data(), flat.data(), share.data(), z.data());
    k.blend_backward(branches, share.data(), z.data(), ds.data(), dzp.data(), dzn.data());
  }
};

TYPED_TEST(DenseKernels, ARowHasTheSameBitsInAnyBlock) {
  using Real = typename TypeParam::Real;
  using Results = RowResults<TypeParam>;
  this->on_every_isa([&](const Kernels<TypeParam>& k) {
    const auto x = this->template real<Real>(kRows * 48, 3.0);
    const auto mask = this->mask(kRows, 48).words;
    const Results whole(k, x, mask, 0, kRows);
    for (std::int64_t size = 1; size < kRows; ++size)
      for (std::int64_t begin = 0; begin < kRows; begin += size) {
        const Results part(k, x, mask, begin, std::min(begin + size, kRows));
        for (const auto member :
             {&Results::relu, &Results::hidden, &Results::score, &Results::share, &Results::z,
              &Results::ds, &Results::dzp, &Results::dzn}) {
          const auto& a = part.*member;
          const std::int64_t per_row = (whole.*member).size() == kRows ? 1 : 48;
          ASSERT_TRUE(same_bits(a.data(), (whole.*member).data() + begin * per_row,
                                static_cast<std::int64_t>(a.size())))
              << "rows from " << begin << ", " << size << " at once";
        }
      }
  });
}

}  // namespace
}  // namespace siren::test
