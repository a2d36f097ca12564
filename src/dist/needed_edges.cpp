// SPDX-License-Identifier: Apache-2.0
#include "siren/dist/needed_edges.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "siren/core/check.hpp"

namespace siren {

std::span<const std::int32_t> NeededEdges::columns_of(LocalRow anchor) const {
  const Csr& csr = graph_.by_anchor;
  const auto a = static_cast<std::size_t>(anchor - graph_.anchored.begin);
  return {csr.columns.data() + csr.offsets[a], csr.columns.data() + csr.offsets[a + 1]};
}

/// Turns the lists around by counting: a transposition of a part of the matrix.
void NeededEdges::select(std::span<const LocalRow> needed) {
  const auto first = std::lower_bound(needed.begin(), needed.end(), graph_.anchored.begin);
  const auto last = std::lower_bound(first, needed.end(), graph_.anchored.end);
  // A column is a local row: the places of owned and of halo rows are each in the order of columns,
  // so that counters by column need no look-up.
  next_.assign(static_cast<std::size_t>(graph_.rows + graph_.halo_rows), 0);
  for (auto anchor = first; anchor != last; ++anchor)
    for (const std::int32_t column : columns_of(*anchor)) ++next_[static_cast<std::size_t>(column)];
  edges_.offsets.assign(1, 0);
  const auto place = [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t column = begin; column < end; ++column) {
      std::uint32_t& next = next_[static_cast<std::size_t>(column)];
      const std::int64_t begin_here = edges_.offsets.back();
      edges_.offsets.push_back(begin_here +
                               std::exchange(next, static_cast<std::uint32_t>(begin_here)));
    }
  };
  place(graph_.travelling.begin, graph_.travelling.end);
  place(graph_.rows, graph_.rows + graph_.halo_rows);
  SIREN_ASSERT(edges_.nonzeros() <= std::numeric_limits<std::uint32_t>::max(),
               "{} edges of a batch", edges_.nonzeros());
  edges_.columns.resize(static_cast<std::size_t>(edges_.nonzeros() + kColumnSlack));
  std::int32_t* const columns = edges_.columns.data();
  std::uint32_t* const next = next_.data();
  for (auto anchor = first; anchor != last; ++anchor)
    for (const std::int32_t column : columns_of(*anchor)) columns[next[column]++] = *anchor;
}

}  // namespace siren
