// SPDX-License-Identifier: Apache-2.0
// Index spaces. Users are numbered [0, M) and items [0, N) in the order of their original ids; both
// together are the nodes of the bipartite graph: user u is node u, item i is node M + i.
//
//   UserId, ItemId   global, over the whole data set
//   NodeId           global, users then items
//   LocalRow         a row of this rank's tables: owned rows first, halo rows behind them
//   EdgeOffset       a position in a list of ratings or edges; never assumed to fit 32 bits
#pragma once

#include <cstddef>
#include <cstdint>

namespace siren::inline core {

using UserId = std::int32_t;
using ItemId = std::int32_t;
using NodeId = std::int64_t;
using LocalRow = std::int32_t;
using EdgeOffset = std::int64_t;

/// A count, row or offset as the index of a container, which is unsigned.
constexpr std::size_t as_index(std::int64_t i) {
  return static_cast<std::size_t>(i);
}

/// Rows [begin, end) of whatever the context says.
struct RowRange {
  std::int64_t begin = 0;
  std::int64_t end = 0;
  std::int64_t size() const { return end - begin; }
};

}  // namespace siren::inline core
