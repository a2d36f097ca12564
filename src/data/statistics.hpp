// SPDX-License-Identifier: Apache-2.0
// What is worth knowing about a data set before training on it. Kept in the dataset file, printed
// by `prepare` and `info`.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "data/rating_table.hpp"
#include "data/split.hpp"
#include "siren/communicator.hpp"
#include "siren/ids.hpp"

namespace siren::inline data {

/// Ratings by sign at the offset.
struct SignCounts {
  EdgeOffset liked = 0;
  EdgeOffset disliked = 0;
  EdgeOffset neither = 0;

  EdgeOffset total() const { return liked + disliked + neither; }
  SignCounts& operator+=(const SignCounts& other);
};

/// `count` ratings equal `value` (exact histogram), or lie in [value, next value) (binned).
struct ValueCount {
  float value = 0.0F;
  EdgeOffset count = 0;
};

/// Ratings per user or per item: minimum, quartiles, 90 %, 99 %, maximum (nearest rank).
using DegreeQuantiles = std::array<EdgeOffset, 7>;
inline constexpr std::array<double, 7> kDegreeQuantileLevels = {0.0, 0.25, 0.5, 0.75,
                                                                0.9, 0.99, 1.0};

/// What the test part of one fold has to do with its train part (a validation part is neither; a
/// share drawn at training time still counts as train).
struct FoldOverlap {
  std::int64_t test_users = 0;
  std::int64_t test_items = 0;
  std::int64_t test_users_unseen = 0;  // users with test ratings and no train rating
  std::int64_t test_items_unseen = 0;
  EdgeOffset pairs_in_both = 0;  // (user, item) pairs in train and in test
};

struct DatasetStatistics {
  float offset = 0.0F;  // of the sign counts
  float min_value = 0.0F;
  float max_value = 0.0F;
  bool exact_histogram = true;        // false: more than kMaxHistogramValues distinct values
  std::vector<ValueCount> histogram;  // ascending
  std::vector<SignCounts> by_part;    // [last_part - first_part + 1]
  std::vector<FoldOverlap> by_fold;   // [folds], fold 1 first
  DegreeQuantiles user_degree{};
  DegreeQuantiles item_degree{};

  SignCounts all() const;
  /// Train ratings of `fold` (validation share not subtracted) and its test ratings; in fold 0 all
  /// and none.
  SignCounts train_of(const SplitScheme& split, std::int32_t fold) const;
  SignCounts test_of(const SplitScheme& split, std::int32_t fold) const;
};

inline constexpr std::size_t kMaxHistogramValues = 256;
inline constexpr std::size_t kHistogramBins = 64;

/// Collective. `table` holds the ratings of this rank's `users`, sorted by (user, item); those of all
/// ranks are not empty and have `items` items. Memory: eight bytes an item on every rank.
DatasetStatistics compute_statistics(const Communicator& comm, const RatingTable& table,
                                     const RowRange& users, std::int64_t items,
                                     const SplitScheme& split, float offset);

/// InputError if no train rating of some fold is liked: nothing could be learnt. Otherwise a
/// sentence of warning if no rating is disliked, or nothing.
std::string check_signs(const DatasetStatistics& statistics, const SplitScheme& split);

}  // namespace siren::inline data
