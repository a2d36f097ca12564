// SPDX-License-Identifier: Apache-2.0
// Several ratings of one item by one user.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "data/rating_table.hpp"
#include "siren/ids.hpp"
#include "siren/named_enum.hpp"

namespace siren::inline ingest {

/// Which rating of a pair stays. "Last" is the newest: by time, then by place in the input. kMean
/// keeps the mean value and the rest of the last.
enum class DuplicatePolicy { kError, kLast, kFirst, kMean };
constexpr std::array<std::string_view, 4> enum_names(DuplicatePolicy) {
  return {"error", "last", "first", "mean"};
}

/// Where two ratings of a pair are duplicates: anywhere, or only within the same part, so that a
/// pair may stand in a train file and in a test file.
enum class DuplicateScope { kWholeSet, kWithinPart };

struct DuplicateReport {
  EdgeOffset pairs = 0;          // (user, item) pairs with more than one rating
  EdgeOffset surplus = 0;        // ratings beyond the first of each
  EdgeOffset contradicting = 0;  // pairs with ratings on both sides of the offset
};

/// The rows by (user, item, [part if kWithinPart,] timestamp, row): [size]. Users lie in `users`.
std::vector<EdgeOffset> canonical_order(const RatingTable& table, const RowRange& users,
                                        DuplicateScope scope);

/// `table` in canonical order; leaves one row per pair (and part), still in order. With kError
/// nothing is changed: the caller refuses the data if the report says so.
DuplicateReport merge_duplicates(RatingTable& table, DuplicatePolicy policy, DuplicateScope scope,
                                 float offset);

}  // namespace siren::inline ingest
