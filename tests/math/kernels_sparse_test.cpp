// SPDX-License-Identifier: Apache-2.0
#include "sparse_cases.hpp"

namespace siren::test {
namespace {

TYPED_TEST_SUITE(SparseKernels, Precisions);

TYPED_TEST(SparseKernels, SumsHaveTheBitsOfAdditionsInTheOrderOfTheColumns) {
  using Real = typename TypeParam::Real;
  using Stored = typename TypeParam::Stored;
  this->on_every_isa([&](const Kernels<TypeParam>& k) {
    for (const std::int64_t width : kWidths)
      for (const auto& table : {this->template whole<Stored>(this->kTableRows * width),
                                this->template real<Stored>(this->kTableRows * width)}) {
        for (const Pattern& p : this->patterns(0.3)) {
          std::vector<Real> sums(static_cast<std::size_t>(p.rows() * width), Real{-999});
          k.product_to_sums(p.view(), table.data(), width, 0, p.rows(), sums.data());
          EXPECT_TRUE(same_bits(sums, this->naive(p, table, width))) << "width " << width;
        }
      }
  });
}

TYPED_TEST(SparseKernels, ProductToWireStoresTheSums) {
  using Stored = typename TypeParam::Stored;
  this->on_every_isa([&](const Kernels<TypeParam>& k) {
    for (const std::int64_t width : kWidths)
      for (const Pattern& p : this->patterns()) {
        const auto table = this->template whole<Stored>(this->kTableRows * width);
        std::vector<Stored> wire(static_cast<std::size_t>(p.rows() * width));
        k.product_to_wire(p.view(), table.data(), width, 0, p.rows(), wire.data());
        std::vector<Stored> want;
        for (const auto x : this->naive(p, table, width)) want.push_back(Stored(x));
        EXPECT_TRUE(same_bits(wire, want)) << "width " << width;
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
      const Pattern a = p.with_slack();
      const Pattern b = reversed.with_slack();
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
