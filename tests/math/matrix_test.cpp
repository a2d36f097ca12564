// SPDX-License-Identifier: Apache-2.0
#include "math/matrix.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

#include <gtest/gtest.h>

namespace siren {
namespace {

template <class T>
class MatrixOf : public ::testing::Test {};
using Values = ::testing::Types<float, double, std::int32_t>;
TYPED_TEST_SUITE(MatrixOf, Values);

TYPED_TEST(MatrixOf, RowsArePaddedZeroAndStartOnCacheLines) {
  for (const std::int64_t columns : {1, 15, 16, 17, 64, 100}) {
    Matrix<TypeParam> m(3, columns);
    EXPECT_EQ(m.rows(), 3);
    EXPECT_EQ(m.columns(), columns);
    EXPECT_GE(m.stride(), columns);
    EXPECT_LT(m.stride() - columns, kRowPadding);
    EXPECT_EQ(m.stride() % kRowPadding, 0);
    EXPECT_EQ(m.bytes(), 3 * m.stride() * static_cast<std::int64_t>(sizeof(TypeParam)));
    EXPECT_TRUE(std::all_of(m.span().begin(), m.span().end(), [](TypeParam x) { return x == 0; }));
    for (std::int64_t r = 0; r < 3; ++r)
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(m.row(r)) % kCacheLine, 0U)
          << columns << " columns, row " << r;
  }
}

TYPED_TEST(MatrixOf, IndexesByRowAndColumn) {
  Matrix<TypeParam> m(4, 5);
  for (std::int64_t r = 0; r < 4; ++r)
    for (std::int64_t c = 0; c < 5; ++c) m(r, c) = static_cast<TypeParam>(10 * r + c);
  const Matrix<TypeParam>& view = m;
  EXPECT_EQ(view(3, 4), static_cast<TypeParam>(34));
  EXPECT_EQ(view.row(2)[1], static_cast<TypeParam>(21));
  EXPECT_EQ(view.row_values(1).size(), 5U);
  EXPECT_EQ(view.row_values(1)[4], static_cast<TypeParam>(14));
  EXPECT_EQ(view.data()[view.stride() * 3], static_cast<TypeParam>(30));
}

TYPED_TEST(MatrixOf, MemoryOnlyGrowsAndNewPaddingIsZero) {
  Matrix<TypeParam> m(0, 10);
  m.reserve_rows(5);
  for (std::int64_t r = 0; r < 5; ++r) std::fill_n(m.row(r), 10, TypeParam{7});
  const TypeParam* const before = m.data();
  m.reserve_rows(2);
  EXPECT_EQ(m.rows(), 2);
  m.reserve_rows(5);
  EXPECT_EQ(m.data(), before);
  m.reserve_rows(9);
  EXPECT_EQ(m.rows(), 9);
  for (std::int64_t r = 0; r < 9; ++r)
    for (std::int64_t c = 10; c < 16; ++c) EXPECT_EQ(m(r, c), TypeParam{0});
}

TEST(Matrix, MayHaveNoRows) {
  Matrix<float> m(0, 64);
  EXPECT_EQ(m.rows(), 0);
  EXPECT_EQ(m.bytes(), 0);
  EXPECT_TRUE(m.span().empty());
}

TEST(Matrix, MovesItsValues) {
  Matrix<float> a(2, 3);
  a(1, 2) = 5.0F;
  const float* const values = a.data();
  const Matrix<float> b = std::move(a);
  EXPECT_EQ(b.data(), values);
  EXPECT_EQ(b(1, 2), 5.0F);
}

TEST(AlignedArray, MayBeEmpty) {
  const AlignedArray<double> nothing(0);
  EXPECT_EQ(nothing.size(), 0);
  EXPECT_TRUE(nothing.span().empty());
}

}  // namespace
}  // namespace siren
