// SPDX-License-Identifier: Apache-2.0
// The owned rows that a step works on. Compact matrices have one row per member, in this order.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "siren/ids.hpp"

namespace siren::inline distributed {

inline constexpr std::int32_t kNoPlace = -1;

struct RowSet {
  std::vector<LocalRow> rows;             // ascending
  std::vector<NodeId> nodes;              // their global ids
  std::vector<std::int32_t> places = {};  // [owned rows] which member a row is, or kNoPlace

  std::int64_t size() const { return static_cast<std::int64_t>(rows.size()); }
  std::span<const NodeId> nodes_of(std::int64_t begin, std::int64_t end) const {
    return std::span(nodes).subspan(static_cast<std::size_t>(begin),
                                    static_cast<std::size_t>(end - begin));
  }
  std::span<const LocalRow> rows_of(std::int64_t begin, std::int64_t end) const {
    return std::span(rows).subspan(static_cast<std::size_t>(begin),
                                   static_cast<std::size_t>(end - begin));
  }
  LocalRow row(std::int64_t i) const { return rows[static_cast<std::size_t>(i)]; }

  /// Takes all rows out, and keeps the memory.
  void clear() {
    if (!places.empty())
      for (const LocalRow r : rows) places[static_cast<std::size_t>(r)] = kNoPlace;
    rows.clear();
    nodes.clear();
  }
  /// Fills `places` for a table of so many owned rows; none of them may have had one since clear().
  void place(std::int64_t all_rows) {
    places.resize(static_cast<std::size_t>(all_rows), kNoPlace);
    for (std::size_t i = 0; i < rows.size(); ++i)
      places[static_cast<std::size_t>(rows[i])] = static_cast<std::int32_t>(i);
  }
};

}  // namespace siren::inline distributed
