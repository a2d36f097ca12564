// SPDX-License-Identifier: Apache-2.0
#include "math/row_copy.hpp"

#include <vector>

#include <gtest/gtest.h>

namespace siren::test {
namespace {

/// More rows than are asked for ahead, and one of them twice.
std::vector<std::int32_t> some_rows() {
  std::vector<std::int32_t> rows = {19, 3, 3};
  for (std::int32_t row = 4; row < 18; ++row) rows.push_back(row);
  return rows;
}

Matrix<float> numbered(std::int64_t rows) {
  Matrix<float> x(rows, 20);
  for (std::int64_t r = 0; r < rows; ++r)
    for (std::int64_t c = 0; c < 20; ++c) x(r, c) = static_cast<float>(100 * r + c);
  return x;
}

TEST(RowCopy, GathersRowsInTheirOrder) {
  const Matrix<float> from = numbered(20);
  const std::vector<std::int32_t> rows = some_rows();
  Matrix<float> to(std::ssize(rows), 20);
  gather_rows(from, std::span(rows), from.columns(), to.data());
  for (std::size_t i = 0; i < rows.size(); ++i)
    for (std::int64_t c = 0; c < from.stride(); ++c)
      ASSERT_EQ(to.row(static_cast<std::int64_t>(i))[c], from.row(rows[i])[c]) << i << ' ' << c;
}

TEST(RowCopy, GathersTheFirstColumns) {
  const Matrix<float> from = numbered(20);
  const std::vector<std::int32_t> rows = some_rows();
  for (const std::int64_t columns : {5, 17}) {  // strides of 16 and 32
    Matrix<float> to(std::ssize(rows), columns);
    gather_rows(from, std::span(rows), columns, to.data());
    for (std::size_t i = 0; i < rows.size(); ++i)
      for (std::int64_t c = 0; c < to.stride(); ++c)
        ASSERT_EQ(to.row(static_cast<std::int64_t>(i))[c],
                  c < columns ? from.row(rows[i])[c] : 0.0F)
            << i << ' ' << c;
  }
}

TEST(RowCopy, NoRowsLeaveTheOtherTableAlone) {
  const Matrix<float> from = numbered(2);
  Matrix<float> to(1, 20);
  gather_rows(from, std::span<const std::int32_t>{}, from.columns(), to.data());
  for (const float value : to.span()) ASSERT_EQ(value, 0.0F);
}

}  // namespace
}  // namespace siren::test
