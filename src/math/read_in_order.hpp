// SPDX-License-Identifier: Apache-2.0
// A product reads rows of its table in no order. Where they lie beyond a core's own cache, to read
// all of the table in order first is quicker than to wait for the rows one by one:
//
//   a table that is larger than that cache    threads share the reading; it comes nearer
//   a smaller one, written by other threads   each thread reads all of it; it comes into its cache
#pragma once

#include <cstdint>
#include <functional>

#include "math/matrix.hpp"

namespace siren::inline math {

/// Whether to read `rows` rows, `bytes` in all, before so many visits of them by all threads. Not if
/// they are in a core's own cache already, nor if no cache holds them, nor if there are fewer than
/// four visits of a row for each time that it is read (measured: tests/bench/README.md). Other ranks
/// that share the cache are not counted.
bool pays_to_read_in_order(std::int64_t rows, std::int64_t bytes, std::int64_t visits);

/// The main thread calls poll(), if there is any, after each of its blocks. Nobody may write the
/// memory meanwhile.
void read_in_order(const void* memory, std::int64_t bytes, const std::function<void()>& poll = {});

/// Rows [begin, end) of the table, if that pays before so many visits of them.
template <class T>
void read_rows_in_order(const Matrix<T>& table, std::int64_t begin, std::int64_t end,
                        std::int64_t visits, const std::function<void()>& poll = {}) {
  const std::int64_t bytes = (end - begin) * table.stride() * std::int64_t{sizeof(T)};
  if (pays_to_read_in_order(end - begin, bytes, visits))
    read_in_order(table.row(begin), bytes, poll);
}

}  // namespace siren::inline math
