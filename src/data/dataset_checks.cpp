// SPDX-License-Identifier: Apache-2.0
#include "data/dataset_checks.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "data/dataset_layout.hpp"
#include "io/hdf5_checks.hpp"
#include "siren/ids.hpp"

namespace siren::inline data {
namespace {

/// To read none of its values is to look at their type.
template <class T>
void check_array(const Hdf5File& file, const char* array, std::int64_t length) {
  check_length(file, array, length);
  file.read<T>(array, length, length);
}

/// Each from 0 to `most`; their sum.
EdgeOffset checked_sum(std::span<const EdgeOffset> counts, EdgeOffset most, const char* array,
                       const std::string& path) {
  EdgeOffset sum = 0;
  for (const EdgeOffset count : counts) {
    if (count < 0 || count > most - sum)
      damaged(path, fmt::format("{} counts more or less than its {} ratings", array, most));
    sum += count;
  }
  return sum;
}

void check_total(EdgeOffset sum, EdgeOffset all, const char* array, const std::string& path) {
  if (sum != all) damaged(path, fmt::format("{} counts {} of its {} ratings", array, sum, all));
}

void check_histogram(const DatasetStatistics& statistics, EdgeOffset ratings,
                     const std::string& path) {
  std::vector<EdgeOffset> counts;
  float before = statistics.min_value;
  for (const ValueCount& entry : statistics.histogram) {
    if (!(entry.value >= before && entry.value <= statistics.max_value))
      damaged(path, fmt::format("{} do not ascend from {} to {}", layout::kHistogramValue,
                                statistics.min_value, statistics.max_value));
    before = entry.value;
    counts.push_back(entry.count);
  }
  const char* name = layout::kHistogramCount;
  check_total(checked_sum(counts, ratings, name, path), ratings, name, path);
}

void check_signs(const DatasetStatistics& statistics, EdgeOffset ratings, const std::string& path) {
  std::vector<EdgeOffset> counts;
  for (const SignCounts& part : statistics.by_part)
    counts.insert(counts.end(), {part.liked, part.disliked, part.neither});
  const char* name = layout::kPartSigns;
  check_total(checked_sum(counts, ratings, name, path), ratings, name, path);
}

void check_overlap(const DatasetSummary& summary, const std::string& path) {
  const auto among = [](std::int64_t some, std::int64_t all) { return some >= 0 && some <= all; };
  for (const FoldOverlap& fold : summary.statistics.by_fold)
    if (!among(fold.test_users, summary.users) || !among(fold.test_items, summary.items) ||
        !among(fold.test_users_unseen, fold.test_users) ||
        !among(fold.test_items_unseen, fold.test_items) ||
        !among(fold.pairs_in_both, summary.ratings))
      damaged(path, fmt::format("{} counts what cannot be", layout::kFoldOverlap));
}

void check_quantiles(const DegreeQuantiles& degree, EdgeOffset ratings, const char* array,
                     const std::string& path) {
  if (degree.front() < 0 || degree.back() > ratings ||
      !std::is_sorted(degree.begin(), degree.end()))
    damaged(path, fmt::format("{} do not ascend from 0 to at most {}", array, ratings));
}

}  // namespace

std::int64_t whole_number_in(const Hdf5File& file, const char* name, std::int64_t low,
                             std::int64_t high) {
  const std::int64_t value = file.int_attribute(name);
  if (value < low || value > high)
    damaged(file.path(),
            fmt::format("its attribute {} is {}, not from {} to {}", name, value, low, high));
  return value;
}

float real_number_in(const Hdf5File& file, const char* name) {
  const double value = file.double_attribute(name);
  if (!(std::abs(value) <= std::numeric_limits<float>::max()))
    damaged(file.path(), fmt::format("its attribute {} is {}", name, value));
  return static_cast<float>(value);
}

void check_length(const Hdf5File& file, const char* array, std::int64_t expected) {
  const std::int64_t length = file.length_of(array);
  if (length != expected)
    damaged(file.path(), fmt::format("{} has {} values instead of {}", array, length, expected));
}

void check_counts(const Hdf5File& file, const DatasetSummary& summary) {
  check_array<char>(file, layout::kUserIdBytes, file.length_of(layout::kUserIdBytes));
  check_array<char>(file, layout::kItemIdBytes, file.length_of(layout::kItemIdBytes));
  for (const char* array : {layout::kUserIdOffsets, layout::kUserOffsets})
    check_array<std::int64_t>(file, array, summary.users + 1);
  check_array<std::int64_t>(file, layout::kItemIdOffsets, summary.items + 1);
  check_array<std::int32_t>(file, layout::kUserItem, summary.ratings);
  check_array<float>(file, layout::kUserValue, summary.ratings);
  check_array<std::uint8_t>(file, layout::kUserPart, summary.ratings);
  const bool timed = file.length_of(layout::kUserTimestamp) > 0;
  check_array<std::int64_t>(file, layout::kUserTimestamp, timed ? summary.ratings : 0);
}

void check_places(const Hdf5File& file, std::span<const ChecksummedExtent> extents) {
  for (const char* array : layout::kAll) {
    const FileExtent place = file.extent_of(array);
    const auto checked = std::find_if(extents.begin(), extents.end(),
                                      [&](const ChecksummedExtent& e) { return e.name == array; });
    if (checked == extents.end() || checked->extent.length != place.length ||
        (place.length > 0 && checked->extent.offset != place.offset))
      damaged(file.path(), fmt::format("its first block has no checksum of {}", array));
  }
}

void check_statistics(const DatasetSummary& summary, const std::string& path) {
  const DatasetStatistics& statistics = summary.statistics;
  if (statistics.min_value > statistics.max_value)
    damaged(path,
            fmt::format("its values go from {} to {}", statistics.min_value, statistics.max_value));
  check_histogram(statistics, summary.ratings, path);
  check_signs(statistics, summary.ratings, path);
  check_overlap(summary, path);
  check_quantiles(statistics.user_degree, summary.ratings, layout::kUserDegree, path);
  check_quantiles(statistics.item_degree, summary.ratings, layout::kItemDegree, path);
}

void check_offsets(std::span<const EdgeOffset> at, std::int64_t begin, std::int64_t keys,
                   EdgeOffset ratings, const char* array, const std::string& path) {
  const bool from_first = begin > 0 || at.front() == 0;
  const bool to_last = begin + std::ssize(at) - 1 < keys || at.back() == ratings;
  if (!from_first || !to_last || at.front() < 0 || at.back() > ratings ||
      !std::is_sorted(at.begin(), at.end()))
    damaged(path, fmt::format("{} do not cover its {} ratings in order", array, ratings));
}

void check_indices(std::span<const std::int32_t> ids, std::int64_t count, const char* array,
                   const std::string& path) {
  std::uint32_t largest = 0;  // negative ones are larger than all others
  for (const std::int32_t id : ids) largest = std::max(largest, static_cast<std::uint32_t>(id));
  if (largest < static_cast<std::uint64_t>(count)) return;
  if (ids.empty()) return;
  damaged(path, fmt::format("{} names {}, but there are {}", array,
                            static_cast<std::int32_t>(largest), count));
}

void check_values(std::span<const float> values, std::span<const std::uint8_t> parts,
                  const DatasetSummary& summary, const std::string& path) {
  const float low = summary.statistics.min_value;
  const float high = summary.statistics.max_value;
  bool outside = false;  // NaN is outside, too
  for (const float value : values) outside |= !(value >= low) | !(value <= high);
  if (outside) damaged(path, fmt::format("it has ratings that are not from {} to {}", low, high));
  const std::uint8_t first = summary.split.first_part();
  const std::uint8_t last = summary.split.last_part();
  for (const std::uint8_t part : parts) outside |= (part < first) | (part > last);
  if (outside)
    damaged(path, fmt::format("it has ratings in parts other than {} to {}", first, last));
}

void check_order(const RatingSlab& slab, std::span<const EdgeOffset> at, const std::string& path) {
  const auto place = [&](EdgeOffset e) {
    return std::int64_t{256} * slab.item[as_index(e)] + slab.part[as_index(e)];
  };
  bool ascending = true;
  for (std::size_t u = 0; u + 1 < at.size(); ++u)
    for (EdgeOffset e = at[u] - at[0] + 1; e < at[u + 1] - at[0]; ++e)
      ascending &= place(e - 1) < place(e);
  if (!ascending)
    damaged(path, "the ratings of a user are not in order of items, or one stands there twice");
}

void check_sorted(const IdTable& ids, const char* array, const std::string& path) {
  const auto in_place = [&](std::int64_t k) {
    if (ids.numeric() && !is_plain_integer(ids.at(k))) return false;
    if (k == 0) return true;
    return ids.numeric() ? integer_less(ids.at(k - 1), ids.at(k)) : ids.at(k - 1) < ids.at(k);
  };
  for (std::int64_t k = 0; k < ids.size(); ++k)
    if (!in_place(k)) damaged(path, fmt::format("id {} in {} is out of order", k, array));
}

}  // namespace siren::inline data
