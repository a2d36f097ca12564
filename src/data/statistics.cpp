// SPDX-License-Identifier: Apache-2.0
#include "data/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include "siren/check.hpp"
#include "siren/error.hpp"

namespace siren::inline data {
namespace {

/// Distinct values with their counts, ascending; empty as soon as there are too many of them.
std::vector<ValueCount> exact_histogram(const std::vector<float>& values) {
  std::vector<ValueCount> histogram;
  for (const float value : values) {
    const auto at =
        std::lower_bound(histogram.begin(), histogram.end(), value,
                         [](const ValueCount& entry, float v) { return entry.value < v; });
    if (at != histogram.end() && at->value == value) {
      ++at->count;
    } else {
      if (histogram.size() == kMaxHistogramValues) return {};
      histogram.insert(at, {value, 1});
    }
  }
  return histogram;
}

std::vector<ValueCount> binned_histogram(const std::vector<float>& values, float low, float high) {
  const double width = (static_cast<double>(high) - static_cast<double>(low)) / kHistogramBins;
  std::vector<ValueCount> histogram(kHistogramBins);
  for (std::size_t bin = 0; bin < kHistogramBins; ++bin)
    histogram[bin].value =
        static_cast<float>(static_cast<double>(low) + static_cast<double>(bin) * width);
  for (const float value : values) {
    const double bin = (static_cast<double>(value) - static_cast<double>(low)) / width;
    ++histogram[std::min(static_cast<std::size_t>(bin), kHistogramBins - 1)].count;
  }
  return histogram;
}

DegreeQuantiles quantiles(const std::vector<std::int32_t>& ids, std::int64_t count) {
  std::vector<EdgeOffset> degree(static_cast<std::size_t>(count), 0);
  for (const std::int32_t id : ids) ++degree[static_cast<std::size_t>(id)];
  std::sort(degree.begin(), degree.end());
  DegreeQuantiles result{};
  for (std::size_t q = 0; q < result.size(); ++q) {
    const double rank = std::ceil(kDegreeQuantileLevels[q] * static_cast<double>(count));
    result[q] = degree[rank < 1.0 ? 0 : static_cast<std::size_t>(rank) - 1];
  }
  return result;
}

Role role_without_validation(std::uint8_t part, const SplitScheme& split, std::int32_t fold) {
  if (split.kind == SplitKind::kParts) return static_cast<Role>(part);
  return part == fold ? Role::kTest : Role::kTrain;
}

/// For each id: whether it has train ratings, and whether it has test ratings.
struct Presence {
  explicit Presence(std::int64_t ids)
      : in_train(static_cast<std::size_t>(ids), false), in_test(in_train) {}
  std::vector<bool> in_train;
  std::vector<bool> in_test;

  void see(std::int32_t id, Role role) {
    if (role == Role::kTrain) in_train[static_cast<std::size_t>(id)] = true;
    if (role == Role::kTest) in_test[static_cast<std::size_t>(id)] = true;
  }
  std::int64_t tested() const { return std::count(in_test.begin(), in_test.end(), true); }
  std::int64_t unseen() const {
    std::int64_t count = 0;
    for (std::size_t id = 0; id < in_test.size(); ++id)
      count += in_test[id] && !in_train[id] ? 1 : 0;
    return count;
  }
};

FoldOverlap overlap_of(const RatingTable& table, std::int64_t users, std::int64_t items,
                       const SplitScheme& split, std::int32_t fold) {
  Presence user_presence(users);
  Presence item_presence(items);
  FoldOverlap overlap;
  bool pair_in_train = false;  // of the run of rows with the same user and item; train comes first
  for (std::size_t row = 0; row < table.user.size(); ++row) {
    const Role role = role_without_validation(table.part[row], split, fold);
    user_presence.see(table.user[row], role);
    item_presence.see(table.item[row], role);
    const bool same_pair =
        row > 0 && table.user[row - 1] == table.user[row] && table.item[row - 1] == table.item[row];
    pair_in_train = (same_pair && pair_in_train) || role == Role::kTrain;
    if (role == Role::kTest && pair_in_train) ++overlap.pairs_in_both;
  }
  overlap.test_users = user_presence.tested();
  overlap.test_items = item_presence.tested();
  overlap.test_users_unseen = user_presence.unseen();
  overlap.test_items_unseen = item_presence.unseen();
  return overlap;
}

}  // namespace

SignCounts& SignCounts::operator+=(const SignCounts& other) {
  liked += other.liked;
  disliked += other.disliked;
  neither += other.neither;
  return *this;
}

SignCounts DatasetStatistics::all() const {
  SignCounts sum;
  for (const SignCounts& counts : by_part) sum += counts;
  return sum;
}

SignCounts DatasetStatistics::train_of(const SplitScheme& split, std::int32_t fold) const {
  if (fold == kWholeFold) return all();
  if (split.kind == SplitKind::kParts) return by_part[kTrainPart];
  SignCounts sum;
  for (std::int32_t part = 1; part <= split.folds; ++part)
    if (part != fold) sum += by_part[static_cast<std::size_t>(part) - 1];
  return sum;
}

SignCounts DatasetStatistics::test_of(const SplitScheme& split, std::int32_t fold) const {
  if (fold == kWholeFold) return {};
  return split.kind == SplitKind::kParts ? by_part[kTestPart]
                                         : by_part[static_cast<std::size_t>(fold) - 1];
}

DatasetStatistics compute_statistics(const RatingTable& table, std::int64_t users,
                                     std::int64_t items, const SplitScheme& split, float offset) {
  SIREN_ASSERT(table.size() > 0, "statistics of no ratings");
  DatasetStatistics result;
  result.offset = offset;
  const auto [low, high] = std::minmax_element(table.value.begin(), table.value.end());
  result.min_value = *low;
  result.max_value = *high;
  result.histogram = exact_histogram(table.value);
  result.exact_histogram = !result.histogram.empty();
  if (!result.exact_histogram) result.histogram = binned_histogram(table.value, *low, *high);
  result.user_degree = quantiles(table.user, users);
  result.item_degree = quantiles(table.item, items);
  result.by_part.resize(std::size_t{split.last_part()} - split.first_part() + 1);
  for (std::size_t row = 0; row < table.user.size(); ++row) {
    SignCounts& counts =
        result.by_part[static_cast<std::size_t>(table.part[row] - split.first_part())];
    const int sign = sign_of(table.value[row], offset);
    ++(sign > 0 ? counts.liked : sign < 0 ? counts.disliked : counts.neither);
  }
  for (std::int32_t fold = 1; fold <= split.folds; ++fold)
    result.by_fold.push_back(overlap_of(table, users, items, split, fold));
  return result;
}

std::string check_signs(const DatasetStatistics& statistics, const SplitScheme& split) {
  for (std::int32_t fold = 1; fold <= split.folds; ++fold) {
    if (statistics.train_of(split, fold).liked > 0) continue;
    throw InputError(
        fmt::format("no train rating{} lies above the offset {}: ratings go from {} to {}; choose "
                    "a lower --offset",
                    split.folds > 1 ? fmt::format(" of fold {}", fold) : "", statistics.offset,
                    statistics.min_value, statistics.max_value));
  }
  if (statistics.all().disliked > 0) return {};
  return fmt::format(
      "no rating lies below the offset {}: there are no dislikes to learn from (ratings go from "
      "{} to {}; see --offset)",
      statistics.offset, statistics.min_value, statistics.max_value);
}

}  // namespace siren::inline data
