// SPDX-License-Identifier: Apache-2.0
// Some rows of a table to consecutive rows of another. The rows lie anywhere in memory: those some
// places ahead are asked for while the present one is copied.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>

#include "math/matrix.hpp"

namespace siren::inline math {

inline constexpr std::size_t kRowsAhead = 8;

/// Asks for a whole row.
template <class T>
void prefetch_row(const T* row, std::int64_t stride) {
  const char* const at = reinterpret_cast<const char*>(row);
  for (std::int64_t byte = 0; byte < stride * std::int64_t{sizeof(T)}; byte += 64)
    __builtin_prefetch(at + byte);
}

/// The first `columns` of from[rows[i]] to row i of `to`, the first of consecutive rows with a stride
/// of padded(columns), whose padding stays.
template <class T, class Row>
void gather_rows(const Matrix<T>& from, std::span<const Row> rows, std::int64_t columns, T* to) {
  const auto bytes = static_cast<std::size_t>(columns) * sizeof(T);
  for (std::size_t i = 0; i < rows.size(); ++i, to += padded(columns)) {
    if (i + kRowsAhead < rows.size()) prefetch_row(from.row(rows[i + kRowsAhead]), from.stride());
    std::memcpy(to, from.row(rows[i]), bytes);
  }
}

}  // namespace siren::inline math
