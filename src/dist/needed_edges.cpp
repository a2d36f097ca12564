// SPDX-License-Identifier: Apache-2.0
#include "siren/dist/needed_edges.hpp"

#include <algorithm>
#include <numeric>

namespace siren {

std::span<const std::int32_t> NeededEdges::columns_of(LocalRow anchor) const {
  const Csr& csr = graph_.by_anchor;
  const auto a = static_cast<std::size_t>(anchor - graph_.anchored.begin);
  return {csr.columns.data() + csr.offsets[a], csr.columns.data() + csr.offsets[a + 1]};
}

/// The row of edges_ in which the edges of a travelling row stand.
std::size_t NeededEdges::place_of(std::int32_t column) const {
  const bool halo = column >= graph_.rows;
  return static_cast<std::size_t>(halo ? graph_.travelling.size() + column - graph_.rows
                                       : column - graph_.travelling.begin);
}

/// Turns the lists around by counting: a transposition of a part of the matrix.
void NeededEdges::select(std::span<const LocalRow> needed) {
  const auto first = std::lower_bound(needed.begin(), needed.end(), graph_.anchored.begin);
  const auto last = std::lower_bound(first, needed.end(), graph_.anchored.end);
  std::vector<std::int64_t>& offsets = edges_.offsets;
  offsets.assign(static_cast<std::size_t>(graph_.travelling.size() + graph_.halo_rows) + 2, 0);
  for (auto anchor = first; anchor != last; ++anchor)
    for (const std::int32_t column : columns_of(*anchor)) ++offsets[place_of(column) + 2];
  std::partial_sum(offsets.begin(), offsets.end(), offsets.begin());
  edges_.columns.resize(static_cast<std::size_t>(offsets.back() + kColumnSlack));
  // offsets[p + 1] is now where place p goes on, and will be where it ends
  for (auto anchor = first; anchor != last; ++anchor)
    for (const std::int32_t column : columns_of(*anchor))
      edges_.columns[static_cast<std::size_t>(offsets[place_of(column) + 1]++)] = *anchor;
  offsets.pop_back();
}

}  // namespace siren
