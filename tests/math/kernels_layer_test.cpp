// SPDX-License-Identifier: Apache-2.0
#include "sparse_cases.hpp"

namespace siren::test {
namespace {

template <class Precision>
using LayerKernels = SparseKernels<Precision>;

TYPED_TEST_SUITE(LayerKernels, Precisions);

/// Rows 0, 3, 6, ... have a place.
std::vector<std::int32_t> alternating(std::int64_t rows) {
  std::vector<std::int32_t> places;
  for (std::int32_t r = 0; r < rows; ++r) places.push_back(r % 3 == 0 ? r / 3 : -1);
  return places;
}

/// The rows of the compact matrix, each at its own place in a table of zeros.
template <class Real>
std::vector<Real> spread(const std::vector<Real>& compact, std::int64_t rows, std::int64_t width) {
  std::vector<Real> table(static_cast<std::size_t>(rows * width), Real{0});
  for (std::int64_t r = 0; r < rows; r += 3)
    std::copy_n(compact.begin() + r / 3 * width, width, table.begin() + r * width);
  return table;
}

TYPED_TEST(LayerKernels, ProductToLayerScalesIntoTheNextTableAndAddsToTheMean) {
  using Real = typename TypeParam::Real;
  using Stored = typename TypeParam::Stored;
  this->on_every_isa([&](const Kernels<TypeParam>& k) {
    for (const std::int64_t width : kWidths)
      for (const Pattern& p : this->patterns()) {
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
    for (const std::int64_t width : kWidths)
      for (const Pattern& p : this->patterns(0.3)) {
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
        EXPECT_TRUE(same_bits(fused, later)) << "width " << width << " runs " << p.split.size();
        EXPECT_TRUE(same_bits(fused_next, later_next)) << "width " << width;
      }
  });
}

TYPED_TEST(LayerKernels, OnlyRowsOfTheMeanThatSomebodyReadsHaveAPlace) {
  using Real = typename TypeParam::Real;
  using Stored = typename TypeParam::Stored;
  this->on_every_isa([&](const Kernels<TypeParam>& k) {
    for (const std::int64_t width : kWidths)
      for (const Pattern& p : this->patterns()) {
        const auto places = alternating(p.rows());
        const auto table = this->template whole<Stored>(this->kTableRows * width);
        const auto scale = this->template whole<Real>(p.rows());
        std::vector<Real> some = this->template whole<Real>((p.rows() + 2) / 3 * width);
        std::vector<Real> all = spread(some, p.rows(), width);
        std::vector<Stored> next(all.size());
        std::vector<Stored> next_of_all(all.size());
        k.product_to_layer(p.view(), table.data(), width, 0, p.rows(),
                           {next.data(), scale.data(), some.data(), scale.data(), places.data()});
        k.product_to_layer(p.view(), table.data(), width, 0, p.rows(),
                           {next_of_all.data(), scale.data(), all.data(), scale.data()});
        EXPECT_TRUE(same_bits(next, next_of_all));
        for (std::int64_t r = 0; r < p.rows(); r += 3)
          EXPECT_TRUE(same_bits(some.data() + r / 3 * width, all.data() + r * width, width))
              << "row " << r;
      }
  });
}

TYPED_TEST(LayerKernels, ProductToAdjointAddsTheRowsThatHaveAPlace) {
  using Real = typename TypeParam::Real;
  using Stored = typename TypeParam::Stored;
  this->on_every_isa([&](const Kernels<TypeParam>& k) {
    for (const std::int64_t width : kWidths)
      for (const Pattern& p : this->patterns()) {
        const auto places = alternating(p.rows());
        const auto table = this->template whole<Stored>(this->kTableRows * width);
        const auto next_scale = this->template whole<Real>(p.rows());
        const auto start_scale = this->template whole<Real>(p.rows());
        const auto result_scale = this->template whole<Real>(p.rows());
        const auto g = this->template whole<Real>((p.rows() + 2) / 3 * width);
        const auto spread_g = spread(g, p.rows(), width);
        const auto x = this->naive(p, table, width);
        std::vector<Stored> next(x.size());
        std::vector<Real> result(x.size(), Real{77});
        AdjointOutput<Real, Stored> to{next.data(),   next_scale.data(),   start_scale.data(),
                                       result.data(), result_scale.data(), Real{2},
                                       g.data(),      places.data()};
        k.product_to_adjoint(p.view(), table.data(), width, 0, p.rows(), to);
        EXPECT_EQ(result.front(), Real{77}) << "not the last layer";
        to.next = nullptr;
        k.product_to_adjoint(p.view(), table.data(), width, 0, p.rows(), to);
        for (std::size_t i = 0; i < x.size(); ++i) {
          const std::size_t r = i / static_cast<std::size_t>(width);
          const Real want = next_scale[r] * x[i] + start_scale[r] * spread_g[i];
          ASSERT_EQ(static_cast<Real>(next[i]), static_cast<Real>(Stored(want))) << "at " << i;
          ASSERT_EQ(result[i], result_scale[r] * x[i] + Real{2} * spread_g[i]) << "at " << i;
        }
      }
  });
}

TYPED_TEST(LayerKernels, SumsToAdjointGivesWhatTheProductWouldHave) {
  using Real = typename TypeParam::Real;
  using Stored = typename TypeParam::Stored;
  this->on_every_isa([&](const Kernels<TypeParam>& k) {
    for (const std::int64_t width : kWidths)
      for (const Pattern& p : this->patterns(0.3)) {
        const auto places = alternating(p.rows());
        const auto table = this->template real<Stored>(this->kTableRows * width);
        const auto scale = this->template real<Real>(p.rows());
        const auto g = this->template real<Real>((p.rows() + 2) / 3 * width);
        std::vector<Real> sums(static_cast<std::size_t>(p.rows() * width));
        k.product_to_sums(p.view(), table.data(), width, 0, p.rows(), sums.data());
        std::vector<Stored> next[2] = {std::vector<Stored>(sums.size()),
                                       std::vector<Stored>(sums.size())};
        std::vector<Real> result[2] = {std::vector<Real>(sums.size()),
                                       std::vector<Real>(sums.size())};
        for (const bool last : {false, true}) {
          const auto to = [&](int which) {
            return AdjointOutput<Real, Stored>{last ? nullptr : next[which].data(),
                                               scale.data(),
                                               scale.data(),
                                               result[which].data(),
                                               scale.data(),
                                               Real(0.2),
                                               g.data(),
                                               places.data()};
          };
          k.product_to_adjoint(p.view(), table.data(), width, 0, p.rows(), to(0));
          k.sums_to_adjoint(sums.data(), width, 0, p.rows(), to(1));
        }
        EXPECT_TRUE(same_bits(next[0], next[1])) << "width " << width;
        EXPECT_TRUE(same_bits(result[0], result[1])) << "width " << width;
      }
  });
}

TYPED_TEST(LayerKernels, BeginAdjointScalesTheRowsThatHaveAPlaceAndClearsTheOthers) {
  using Real = typename TypeParam::Real;
  using Stored = typename TypeParam::Stored;
  this->on_every_isa([&](const Kernels<TypeParam>& k) {
    for (const std::int64_t width : kWidths) {
      const std::int64_t rows = 7;
      const auto places = alternating(rows);
      const auto g = this->template real<Real>(3 * width);
      const auto spread_g = spread(g, rows, width);
      const auto scale = this->template real<Real>(rows);
      for (const bool no_layers : {false, true}) {
        std::vector<Stored> next(spread_g.size());
        std::vector<Stored> table(spread_g.size(), Stored(Real{5}));
        std::vector<Real> result(spread_g.size(), Real{77});
        k.begin_adjoint({no_layers ? nullptr : next.data(), nullptr, scale.data(), result.data(),
                         nullptr, Real(0.2), g.data(), places.data()},
                        width, 0, rows, table.data());
        for (std::size_t i = 0; i < table.size(); ++i) {
          const std::size_t r = i / static_cast<std::size_t>(width);
          const Real value = spread_g[i];
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

TYPED_TEST(LayerKernels, BeginLayersTakesSharesOnlyOfRowsThatHaveAPlace) {
  using Real = typename TypeParam::Real;
  using Stored = typename TypeParam::Stored;
  this->on_every_isa([&](const Kernels<TypeParam>& k) {
    const std::int64_t rows = 7;
    const std::int64_t width = 32;
    const auto places = alternating(rows);
    const auto x = this->template real<Real>(rows * width);
    const auto scale = this->template real<Real>(rows);
    std::vector<Stored> table(x.size());
    std::vector<Real> mean(static_cast<std::size_t>(4 * width), Real{9});
    k.begin_layers({x.data(), scale.data(), Real(0.2), places.data()}, width, 0, rows, table.data(),
                   mean.data());
    for (std::int64_t i = 0; i < 3 * width; ++i)
      ASSERT_EQ(mean[static_cast<std::size_t>(i)],
                x[static_cast<std::size_t>(i / width * 3 * width + i % width)] * Real(0.2));
    for (std::int64_t i = 0; i < width; ++i)
      EXPECT_EQ(mean[static_cast<std::size_t>(3 * width + i)], Real{9}) << "behind the last place";
  });
}

}  // namespace
}  // namespace siren::test
