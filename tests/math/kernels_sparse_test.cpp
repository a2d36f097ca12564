// SPDX-License-Identifier: Apache-2.0
#include "kernel_cases.hpp"

namespace siren::test {
namespace {

/// A sparse pattern with rows of every length that the kernels treat differently, empty ones first,
/// last and between.
struct Pattern {
  std::vector<std::int64_t> offsets{0};
  std::vector<std::int32_t> columns;

  void add_row(const std::vector<std::int32_t>& row) {
    columns.insert(columns.end(), row.begin(), row.end());
    offsets.push_back(static_cast<std::int64_t>(columns.size()));
  }
  std::int64_t rows() const { return static_cast<std::int64_t>(offsets.size()) - 1; }
  std::vector<std::int32_t> row(std::int64_t r) const {
    return {columns.begin() + offsets[static_cast<std::size_t>(r)],
            columns.begin() + offsets[static_cast<std::size_t>(r) + 1]};
  }
  /// With the slack that the kernels may read.
  Pattern sealed() const {
    Pattern copy = *this;
    copy.columns.resize(columns.size() + static_cast<std::size_t>(kColumnSlack), 0);
    return copy;
  }
  CsrView view() const { return {offsets.data(), columns.data()}; }
};

template <class Precision>
class SparseKernels : public KernelTest<Precision> {
 protected:
  using Value = typename Precision::Real;
  using Wire = typename Precision::Stored;
  static constexpr std::int64_t kTableRows = 50;

  Pattern pattern() {
    Pattern p;
    for (const int length : {0, 1, 0, 2, 3, 4, 7, 8, 13, 30, 0, 0, 1, 100, 5, 0}) {
      std::vector<std::int32_t> row;
      for (int e = 0; e < length; ++e)
        row.push_back(static_cast<std::int32_t>(this->below(kTableRows)));
      p.add_row(row);
    }
    return p;
  }

  /// x[r] by its definition; exact for whole numbers.
  static std::vector<Value> naive(const Pattern& p,
                                  const std::vector<Wire>& table,
                                  std::int64_t width) {
    std::vector<Value> x;
    for (std::int64_t r = 0; r < p.rows(); ++r)
      for (std::int64_t c = 0; c < width; ++c) {
        Value sum{0};
        for (const std::int32_t row : p.row(r))
          sum += static_cast<Value>(table[static_cast<std::size_t>(row * width + c)]);
        x.push_back(sum);
      }
    return x;
  }
};

TYPED_TEST_SUITE(SparseKernels, Precisions);

TYPED_TEST(SparseKernels, ProductToSumsAddsTheRowsOfTheColumns) {
  using Real = typename TypeParam::Real;
  using Stored = typename TypeParam::Stored;
  this->on_every_isa([&](const Kernels<TypeParam>& k) {
    for (const std::int64_t width : kWidths) {
      const Pattern p = this->pattern().sealed();
      const auto table = this->template whole<Stored>(this->kTableRows * width);
      std::vector<Real> sums(static_cast<std::size_t>(p.rows() * width), Real{-999});
      k.product_to_sums(p.view(), table.data(), width, 0, p.rows(), sums.data());
      EXPECT_TRUE(same_bits(sums, this->naive(p, table, width))) << "width " << width;
    }
  });
}

TYPED_TEST(SparseKernels, ProductToWireStoresTheSums) {
  using Stored = typename TypeParam::Stored;
  this->on_every_isa([&](const Kernels<TypeParam>& k) {
    for (const std::int64_t width : kWidths) {
      const Pattern p = this->pattern().sealed();
      const auto table = this->template whole<Stored>(this->kTableRows * width);
      std::vector<Stored> wire(static_cast<std::size_t>(p.rows() * width));
      k.product_to_wire(p.view(), table.data(), width, 0, p.rows(), wire.data());
      std::vector<Stored> want;
      for (const auto x : this->naive(p, table, width)) want.push_back(Stored(x));
      EXPECT_TRUE(same_bits(wire, want)) << "width " << width;
    }
  });
}

TYPED_TEST(SparseKernels, ProductToLayerScalesIntoTheNextTableAndAddsToTheMean) {
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

TYPED_TEST(SparseKernels, SumsToLayerGivesWhatTheProductWouldHave) {
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

TYPED_TEST(SparseKernels, RowsHaveTheSameBitsWhereverTheyStandAndHoweverTheyAreSplit) {
  using Real = typename TypeParam::Real;
  using Stored = typename TypeParam::Stored;
  this->on_every_isa([&](const Kernels<TypeParam>& k) {
    for (const std::int64_t width : kWidths) {
      const Pattern p = this->pattern();
      Pattern reversed;  // behind other rows, in the opposite order
      reversed.add_row({1, 2, 3});
      for (std::int64_t r = p.rows() - 1; r >= 0; --r) reversed.add_row(p.row(r));
      const Pattern a = p.sealed();
      const Pattern b = reversed.sealed();
      const auto table = this->template real<Stored>(this->kTableRows * width);
      std::vector<Real> whole(static_cast<std::size_t>(a.rows() * width));
      std::vector<Real> pieces(static_cast<std::size_t>(b.rows() * width), Real{-999});
      k.product_to_sums(a.view(), table.data(), width, 0, a.rows(), whole.data());
      for (std::int64_t begin = 1; begin < b.rows(); begin += 3)
        k.product_to_sums(b.view(), table.data(), width, begin, std::min(begin + 3, b.rows()),
                          pieces.data());
      for (std::int64_t r = 0; r < a.rows(); ++r)
        EXPECT_TRUE(
            same_bits(whole.data() + r * width, pieces.data() + (a.rows() - r) * width, width))
            << "row " << r;
      for (std::int64_t c = 0; c < width; ++c)
        EXPECT_EQ(pieces[static_cast<std::size_t>(c)], Real{-999}) << "row 0 was not asked for";
    }
  });
}

TYPED_TEST(SparseKernels, BeginLayersScalesAndTakesAShare) {
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

TYPED_TEST(SparseKernels, StoreRowsConvertsToStorage) {
  using Real = typename TypeParam::Real;
  using Stored = typename TypeParam::Stored;
  this->on_every_isa([&](const Kernels<TypeParam>& k) {
    for (const std::int64_t width : kWidths) {
      const auto x = this->template real<Real>(7 * width);
      std::vector<Stored> stored(x.size());
      k.store_rows(x.data(), width, 2, 7, stored.data());
      for (std::size_t i = 0; i < x.size(); ++i) {
        const bool asked_for = i >= 2 * static_cast<std::size_t>(width);
        ASSERT_EQ(static_cast<Real>(stored[i]),
                  static_cast<Real>(asked_for ? Stored(x[i]) : Stored{}))
            << "width " << width << " at " << i;
      }
    }
  });
}

TYPED_TEST(SparseKernels, AddRowsAddsEachIncomingRowToItsTarget) {
  using Real = typename TypeParam::Real;
  using Stored = typename TypeParam::Stored;
  this->on_every_isa([&](const Kernels<TypeParam>& k) {
    for (const std::int64_t width : kWidths) {
      const std::vector<std::int32_t> rows = {4, 0, 4, 2, 1};  // one row twice
      const auto incoming =
          this->template whole<Stored>(static_cast<std::int64_t>(rows.size()) * width);
      const auto before = this->template whole<Real>(6 * width);
      std::vector<Real> sums = before;
      k.add_rows(incoming.data(), rows.data(), width, 0, 4, sums.data());
      std::vector<Real> want = before;
      for (std::int64_t i = 0; i < 4; ++i)
        for (std::int64_t c = 0; c < width; ++c)
          want[static_cast<std::size_t>(rows[static_cast<std::size_t>(i)] * width + c)] +=
              static_cast<Real>(incoming[static_cast<std::size_t>(i * width + c)]);
      EXPECT_TRUE(same_bits(sums, want)) << "width " << width;
    }
  });
}

}  // namespace
}  // namespace siren::test
