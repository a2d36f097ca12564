// SPDX-License-Identifier: Apache-2.0
// The owned rows that a step works on. Compact matrices have one row per member, in this order.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "siren/core/ids.hpp"

namespace siren {

struct RowSet {
  std::vector<LocalRow> rows;  // ascending
  std::vector<NodeId> nodes;   // their global ids

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
};

}  // namespace siren
