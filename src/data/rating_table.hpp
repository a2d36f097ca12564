// SPDX-License-Identifier: Apache-2.0
// All ratings of a data set in memory, as one array per column.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "siren/ids.hpp"

namespace siren::inline data {

/// Row r is the rating value[r] that user[r] gave to item[r]. All columns have size() entries,
/// except timestamp, which is empty for a data set without times, and place, which is empty unless
/// somebody asks for it (number_places()). A finished table is sorted by
/// (user, item) and, where the same pair may stand in several parts, by part.
///
/// Values are fp32, like the offset they are compared with: a decimal offset then equals the same
/// decimal written as a rating, which it would not after rounding on one side only.
struct RatingTable {
  std::vector<UserId> user;
  std::vector<ItemId> item;
  std::vector<float> value;
  std::vector<std::uint8_t> part;       // see SplitScheme (data/split.hpp)
  std::vector<std::int64_t> timestamp;  // seconds since 1970, or whatever unit the input has
  std::vector<EdgeOffset> place{};      // in the input: file by file, line by line

  EdgeOffset size() const { return static_cast<EdgeOffset>(user.size()); }
  bool has_timestamps() const { return !timestamp.empty(); }
};

/// For a table whose rows are as they came, the first at place `first`: keeps their places, wherever
/// they go.
void number_places(RatingTable& table, EdgeOffset first = 0);

/// Row r of the result is row order[r] of `table`; order.size() may be smaller than the table.
RatingTable select_rows(RatingTable&& table, std::span<const EdgeOffset> order);

/// Counting sort: the rows of key 0, then of key 1, ...; rows of the same key keep their order.
/// Keys lie in [0, keys). Returns row numbers [key.size()].
std::vector<EdgeOffset> order_by_key(std::span<const std::int32_t> key, std::int32_t keys);

/// Where each key's rows begin in that order: [keys + 1], first 0, last key.size().
std::vector<EdgeOffset> key_offsets(std::span<const std::int32_t> key, std::int32_t keys);

/// -1, 0 or +1: disliked, neither, liked.
constexpr int sign_of(float value, float offset) {
  return (value > offset) - (value < offset);
}

}  // namespace siren::inline data
