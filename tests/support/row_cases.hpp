// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "distributed/row_set.hpp"
#include "math/matrix.hpp"

namespace siren::test {

inline RowSet row_set(std::vector<LocalRow> rows, std::int64_t all_rows) {
  RowSet set{std::move(rows), {}};
  set.place(all_rows);
  return set;
}

/// Of 7 rows in turn so many.
inline RowSet some_rows(int keep, std::int64_t all_rows) {
  std::vector<LocalRow> rows;
  for (LocalRow row = 0; row < all_rows; ++row)
    if (row * 5 % 7 < keep) rows.push_back(row);
  return row_set(std::move(rows), all_rows);
}

template <class Real>
Matrix<Real> rows_of(const Matrix<Real>& table, const RowSet& rows) {
  Matrix<Real> some(rows.size(), table.columns());
  for (std::int64_t i = 0; i < rows.size(); ++i)
    std::copy_n(table.row(rows.row(i)), table.stride(), some.row(i));
  return some;
}

}  // namespace siren::test
