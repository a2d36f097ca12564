// SPDX-License-Identifier: Apache-2.0
#include "sparse_cases.hpp"

namespace siren::test {
namespace {

template <class Precision>
using LayerKernels = SparseKernels<Precision>;

TYPED_TEST_SUITE(LayerKernels, Precisions);

/// Flags of rows 0, 3, 6, ...
std::vector<std::uint8_t> alternating(std::int64_t rows) {
  std::vector<std::uint8_t> flags;
  for (std::int64_t r = 0; r < rows; ++r) flags.push_back(r % 3 == 0 ? 1 : 0);
  return flags;
}

TYPED_TEST(LayerKernels, ProductToLayerScalesIntoTheNextTableAndAddsToTheMean) {
  using Real = typename TypeParam::Real;
  using Stored = typename TypeParam::Stored;
  this->on_every_isa([&](const Kernels<TypeParam>& k) {
    for (const std::int64_t width : kWidths) {
      const Pattern p = this->pattern().sealed();
      const auto table = this->template whole<Stored>(this->kTableRows * width);
      const auto next_scale = this->template whole<Real>(p.rows());
      const auto sum_scale = this->template whole<Real>(p.rows());
      const auto before = this->template whole<Real>(p.rows() * width);
      const auto x = this->naive(p, table, width);
      std::vector<Stored> next(x.size());
      std::vector<Real> sum = before;
      k.product_to_layer(p.view(), table.data(), width, 0, p.rows(),
                         {next.data(), next_scale.data(), sum.data(), sum_scale.data()});
      std::vector<Real> only_sum = before;
      k.product_to_layer(p.view(), table.data(), width, 0, p.rows(),
                         {nullptr, nullptr, only_sum.data(), sum_scale.data()});
      for (std::size_t i = 0; i < x.size(); ++i) {
        const std::size_t r = i / static_cast<std::size_t>(width);
        ASSERT_EQ(static_cast<Real>(next[i]), static_cast<Real>(Stored(next_scale[r] * x[i])))
            << "width " << width << " at " << i;
        ASSERT_EQ(sum[i], before[i] + sum_scale[r] * x[i]) << "width " << width << " at " << i;
      }
      EXPECT_TRUE(same_bits(only_sum, sum));
    }
  });
}

TYPED_TEST(LayerKernels, SumsToLayerGivesWhatTheProductWouldHave) {
  using Real = typename TypeParam::Real;
  using Stored = typename TypeParam::Stored;
  this->on_every_isa([&](const Kernels<TypeParam>& k) {
    for (const std::int64_t width : kWidths) {
      const Pattern p = this->pattern().sealed();
      const auto table = this->template real<Stored>(this->kTableRows * width);
      const auto scale = this->template real<Real>(p.rows());
      std::vector<Real> sums(static_cast<std::size_t>(p.rows() * width));
      k.product_to_sums(p.view(), table.data(), width, 0, p.rows(), sums.data());
      const auto before = this->template real<Real>(p.rows() * width);
      std::vector<Real> fused = before;
      std::vector<Real> later = before;
      std::vector<Stored> fused_next(sums.size());
      std::vector<Stored> later_next(sums.size());
      k.product_to_layer(p.view(), table.data(), width, 0, p.rows(),
                         {fused_next.data(), scale.data(), fused.data(), scale.data()});
      k.sums_to_layer(sums.data(), width, 0, p.rows(),
                      {later_next.data(), scale.data(), later.data(), scale.data()});
      EXPECT_TRUE(same_bits(fused, later)) << "width " << width;
      EXPECT_TRUE(same_bits(fused_next, later_next)) << "width " << width;
    }
  });
}

TYPED_TEST(LayerKernels, RowsOfTheMeanThatNobodyReadsAreLeftAlone) {
  using Real = typename TypeParam::Real;
  using Stored = typename TypeParam::Stored;
  this->on_every_isa([&](const Kernels<TypeParam>& k) {
    for (const std::int64_t width : kWidths) {
      const Pattern p = this->pattern().sealed();
      const auto wanted = alternating(p.rows());
      const auto table = this->template whole<Stored>(this->kTableRows * width);
      const auto scale = this->template whole<Real>(p.rows());
      const auto before = this->template whole<Real>(p.rows() * width);
      std::vector<Stored> next(before.size());
      std::vector<Stored> next_of_all(before.size());
      std::vector<Real> some = before;
      std::vector<Real> all = before;
      k.product_to_layer(p.view(), table.data(), width, 0, p.rows(),
                         {next.data(), scale.data(), some.data(), scale.data(), wanted.data()});
      k.product_to_layer(p.view(), table.data(), width, 0, p.rows(),
                         {next_of_all.data(), scale.data(), all.data(), scale.data()});
      EXPECT_TRUE(same_bits(next, next_of_all));
      for (std::int64_t r = 0; r < p.rows(); ++r)
        EXPECT_TRUE(same_bits(some.data() + r * width,
                              (r % 3 == 0 ? all : before).data() + r * width, width))
            << "row " << r;
    }
  });
}

TYPED_TEST(LayerKernels, ProductToAdjointAddsTheGivenRows) {
  using Real = typename TypeParam::Real;
  using Stored = typename TypeParam::Stored;
  this->on_every_isa([&](const Kernels<TypeParam>& k) {
    for (const std::int64_t width : kWidths) {
      const Pattern p = this->pattern().sealed();
      const auto given = alternating(p.rows());
      const auto table = this->template whole<Stored>(this->kTableRows * width);
      const auto next_scale = this->template whole<Real>(p.rows());
      const auto start_scale = this->template whole<Real>(p.rows());
      const auto result_scale = this->template whole<Real>(p.rows());
      auto g = this->template whole<Real>(p.rows() * width);
      const auto x = this->naive(p, table, width);
      const auto zeroed = [&](std::size_t i) {
        return i / static_cast<std::size_t>(width) % 3 == 0 ? g[i] : Real{0};
      };
      std::vector<Stored> next(x.size());
      std::vector<Real> result(x.size(), Real{77});
      AdjointOutput<Real, Stored> to{next.data(),   next_scale.data(),   start_scale.data(),
                                     result.data(), result_scale.data(), Real{2},
                                     g.data(),      given.data()};
      k.product_to_adjoint(p.view(), table.data(), width, 0, p.rows(), to);
      EXPECT_EQ(result.front(), Real{77}) << "not the last layer";
      to.next = nullptr;
      k.product_to_adjoint(p.view(), table.data(), width, 0, p.rows(), to);
      for (std::size_t i = 0; i < x.size(); ++i) {
        const std::size_t r = i / static_cast<std::size_t>(width);
        const Real want = next_scale[r] * x[i] + start_scale[r] * zeroed(i);
        ASSERT_EQ(static_cast<Real>(next[i]), static_cast<Real>(Stored(want))) << "at " << i;
        ASSERT_EQ(result[i], result_scale[r] * x[i] + Real{2} * zeroed(i)) << "at " << i;
      }
    }
  });
}

TYPED_TEST(LayerKernels, SumsToAdjointGivesWhatTheProductWouldHave) {
  using Real = typename TypeParam::Real;
  using Stored = typename TypeParam::Stored;
  this->on_every_isa([&](const Kernels<TypeParam>& k) {
    for (const std::int64_t width : kWidths) {
      const Pattern p = this->pattern().sealed();
      const auto given = alternating(p.rows());
      const auto table = this->template real<Stored>(this->kTableRows * width);
      const auto scale = this->template real<Real>(p.rows());
      const auto g = this->template real<Real>(p.rows() * width);
      std::vector<Real> sums(g.size());
      k.product_to_sums(p.view(), table.data(), width, 0, p.rows(), sums.data());
      std::vector<Stored> next[2] = {std::vector<Stored>(g.size()), std::vector<Stored>(g.size())};
      std::vector<Real> result[2] = {std::vector<Real>(g.size()), std::vector<Real>(g.size())};
      for (const bool last : {false, true}) {
        const auto to = [&](int which) {
          return AdjointOutput<Real, Stored>{last ? nullptr : next[which].data(),
                                             scale.data(),
                                             scale.data(),
                                             result[which].data(),
                                             scale.data(),
                                             Real(0.2),
                                             g.data(),
                                             given.data()};
        };
        k.product_to_adjoint(p.view(), table.data(), width, 0, p.rows(), to(0));
        k.sums_to_adjoint(sums.data(), width, 0, p.rows(), to(1));
      }
      EXPECT_TRUE(same_bits(next[0], next[1])) << "width " << width;
      EXPECT_TRUE(same_bits(result[0], result[1])) << "width " << width;
    }
  });
}

TYPED_TEST(LayerKernels, BeginAdjointScalesTheGivenRowsAndClearsTheOthers) {
  using Real = typename TypeParam::Real;
  using Stored = typename TypeParam::Stored;
  this->on_every_isa([&](const Kernels<TypeParam>& k) {
    for (const std::int64_t width : kWidths) {
      const std::int64_t rows = 7;
      const auto given = alternating(rows);
      const auto g = this->template real<Real>(rows * width);
      const auto scale = this->template real<Real>(rows);
      for (const bool no_layers : {false, true}) {
        std::vector<Stored> next(g.size());
        std::vector<Stored> table(g.size(), Stored(Real{5}));
        std::vector<Real> result(g.size(), Real{77});
        k.begin_adjoint({no_layers ? nullptr : next.data(), nullptr, scale.data(), result.data(),
                         nullptr, Real(0.2), g.data(), given.data()},
                        width, 0, rows, table.data());
        for (std::size_t i = 0; i < g.size(); ++i) {
          const std::size_t r = i / static_cast<std::size_t>(width);
          const Real value = r % 3 == 0 ? g[i] : Real{0};
          ASSERT_EQ(static_cast<Real>(table[i]), static_cast<Real>(Stored(value * scale[r])));
          ASSERT_EQ(result[i], no_layers ? value * Real(0.2) : Real{77});
        }
      }
    }
  });
}

TYPED_TEST(LayerKernels, BeginLayersScalesAndTakesAShare) {
  using Real = typename TypeParam::Real;
  using Stored = typename TypeParam::Stored;
  this->on_every_isa([&](const Kernels<TypeParam>& k) {
    for (const std::int64_t width : kWidths) {
      const std::int64_t rows = 7;
      const auto x = this->template real<Real>(rows * width);
      const auto scale = this->template real<Real>(rows);
      std::vector<Stored> table(x.size());
      std::vector<Real> mean(x.size(), Real{9});
      k.begin_layers({x.data(), scale.data(), Real(0.2)}, width, 2, rows, table.data(),
                     mean.data());
      for (std::size_t i = 0; i < x.size(); ++i) {
        const std::size_t r = i / static_cast<std::size_t>(width);
        const Stored want = r < 2 ? Stored{} : Stored(scale[r] * x[i]);
        ASSERT_EQ(static_cast<Real>(table[i]), static_cast<Real>(want)) << "width " << width;
        ASSERT_EQ(mean[i], r < 2 ? Real{9} : x[i] * Real(0.2)) << "width " << width;
      }
    }
  });
}

}  // namespace
}  // namespace siren::test
