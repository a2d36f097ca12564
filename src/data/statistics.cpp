// SPDX-License-Identifier: Apache-2.0
#include "data/statistics.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <span>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "siren/check.hpp"
#include "siren/error.hpp"

namespace siren::inline data {
namespace {

/// Counts `value`, unless there would be too many different ones: then false.
bool count_value(std::vector<ValueCount>& histogram, float value, EdgeOffset count) {
  const auto at =
      std::lower_bound(histogram.begin(), histogram.end(), value,
                       [](const ValueCount& entry, float v) { return entry.value < v; });
  if (at != histogram.end() && at->value == value) {
    at->count += count;
    return true;
  }
  if (histogram.size() == kMaxHistogramValues) return false;
  histogram.insert(at, {value, count});
  return true;
}

/// Distinct values with their counts, ascending; empty as soon as there are too many of them.
std::vector<ValueCount> exact_histogram(const Communicator& comm,
                                        const std::vector<float>& values) {
  std::vector<ValueCount> mine;
  bool few = true;
  for (std::size_t row = 0; few && row < values.size(); ++row)
    few = count_value(mine, values[row], 1);
  if (comm.all_reduce(std::int32_t{few}, Reduction::kMin) == 0) return {};
  std::vector<ValueCount> all;
  for (const ValueCount& entry : comm.all_gather_v(std::span<const ValueCount>(mine)))
    if (!count_value(all, entry.value, entry.count)) return {};
  return all;
}

std::vector<ValueCount> binned_histogram(const Communicator& comm, const std::vector<float>& values,
                                         float low, float high) {
  const double width = (static_cast<double>(high) - static_cast<double>(low)) / kHistogramBins;
  std::vector<EdgeOffset> counts(kHistogramBins, 0);
  for (const float value : values) {
    const double bin = (static_cast<double>(value) - static_cast<double>(low)) / width;
    ++counts[std::min(static_cast<std::size_t>(bin), kHistogramBins - 1)];
  }
  comm.all_reduce(std::span<EdgeOffset>(counts), Reduction::kSum);
  std::vector<ValueCount> histogram(kHistogramBins);
  for (std::size_t bin = 0; bin < kHistogramBins; ++bin)
    histogram[bin] = {
        static_cast<float>(static_cast<double>(low) + static_cast<double>(bin) * width),
        counts[bin]};
  return histogram;
}

/// Of the ids of a range.
std::vector<EdgeOffset> degrees(const std::vector<std::int32_t>& ids, const RowRange& range) {
  std::vector<EdgeOffset> degree(as_index(range.size()), 0);
  for (const std::int32_t id : ids) ++degree[as_index(id - range.begin)];
  return degree;
}

/// How many ids have how many ratings.
struct DegreeCount {
  EdgeOffset degree;
  std::int64_t ids;
};

/// Each rank has the degrees of its ids; what travels is how often each occurs.
DegreeQuantiles quantiles(const Communicator& comm, std::vector<EdgeOffset> degree) {
  std::sort(degree.begin(), degree.end());
  std::vector<DegreeCount> mine;
  for (const EdgeOffset d : degree) {
    if (mine.empty() || mine.back().degree != d) mine.push_back({d, 0});
    ++mine.back().ids;
  }
  std::vector<DegreeCount> all = comm.all_gather_v(std::span<const DegreeCount>(mine));
  std::sort(all.begin(), all.end(),
            [](const DegreeCount& a, const DegreeCount& b) { return a.degree < b.degree; });
  std::int64_t count = 0;
  for (const DegreeCount& entry : all) count += entry.ids;
  DegreeQuantiles result{};
  for (std::size_t q = 0; q < result.size(); ++q) {
    const double rank = std::ceil(kDegreeQuantileLevels[q] * static_cast<double>(count));
    std::int64_t left = rank < 1.0 ? 1 : static_cast<std::int64_t>(rank);
    auto at = all.begin();
    while (at->ids < left) left -= (at++)->ids;
    result[q] = at->degree;
  }
  return result;
}

/// The part of a run of numbers that falls to this rank.
RowRange slice_of(const Communicator& comm, std::int64_t count) {
  return {count * comm.rank() / comm.size(), count * (comm.rank() + 1) / comm.size()};
}

DegreeQuantiles item_quantiles(const Communicator& comm, const RatingTable& table,
                               std::int64_t items) {
  std::vector<EdgeOffset> degree = degrees(table.item, {0, items});
  comm.all_reduce(std::span<EdgeOffset>(degree), Reduction::kSum);
  const RowRange mine = slice_of(comm, items);
  return quantiles(comm, {degree.begin() + mine.begin, degree.begin() + mine.end});
}

Role role_without_validation(std::uint8_t part, const SplitScheme& split, std::int32_t fold) {
  if (split.kind == SplitKind::kParts) return static_cast<Role>(part);
  return part == fold ? Role::kTest : Role::kTrain;
}

/// In which parts the ids of a range have ratings, for up to 63 parts; one bit stands for all others.
class Presence {
 public:
  static constexpr int kParts = 63;

  Presence(const RowRange& ids, int first_part)
      : begin_(ids.begin), first_part_(first_part), parts_(as_index(ids.size()), 0) {}

  void see(std::int32_t id, int part) {
    const int bit = part - first_part_;
    parts_[as_index(id - begin_)] |= bit >= 0 && bit < kParts ? std::uint64_t{1} << bit : kOthers;
  }
  /// Of the same range on all ranks: each keeps a slice of it, with what all of them saw.
  void merge(const Communicator& comm) {
    const auto begin = [&](int rank) { return std::ssize(parts_) * rank / comm.size(); };
    std::vector<std::int64_t> counts;
    counts.reserve(as_index(comm.size()));
    for (int rank = 0; rank < comm.size(); ++rank) counts.push_back(begin(rank + 1) - begin(rank));
    const std::vector<std::uint64_t> got =
        comm.all_to_all_v(std::span<const std::uint64_t>(parts_), counts).values;
    parts_.assign(as_index(counts[as_index(comm.rank())]), 0);
    for (std::size_t at = 0; at < got.size(); ++at) parts_[at % parts_.size()] |= got[at];
  }

  /// Ids with ratings in part `test`; `unseen`: those that have none in the parts `train`, or, if
  /// that is not given, in any other.
  std::int64_t count(int test, std::optional<int> train, bool unseen) const {
    const std::uint64_t test_bit = std::uint64_t{1} << (test - first_part_);
    const std::uint64_t train_bits = train ? std::uint64_t{1} << (*train - first_part_) : ~test_bit;
    return std::count_if(parts_.begin(), parts_.end(), [&](std::uint64_t parts) {
      return (parts & test_bit) != 0 && !(unseen && (parts & train_bits) != 0);
    });
  }

 private:
  static constexpr std::uint64_t kOthers = std::uint64_t{1} << kParts;
  std::int64_t begin_;
  int first_part_;
  std::vector<std::uint64_t> parts_;
};

/// Pairs of rows [begin, end), all of one user and one item, that are in the test and the train part
/// of the fold; train comes first.
EdgeOffset pairs_in_both(const RatingTable& table, std::size_t begin, std::size_t end,
                         const SplitScheme& split, std::int32_t fold) {
  EdgeOffset count = 0;
  bool in_train = false;
  for (std::size_t row = begin; row < end; ++row) {
    const Role role = role_without_validation(table.part[row], split, fold);
    in_train = in_train || role == Role::kTrain;
    if (role == Role::kTest && in_train) ++count;
  }
  return count;
}

void count_pairs(const RatingTable& table, const SplitScheme& split,
                 std::vector<FoldOverlap>& overlaps) {
  for (std::size_t begin = 0, end; begin < table.user.size(); begin = end) {
    for (end = begin + 1; end < table.user.size() && table.user[end] == table.user[begin] &&
                          table.item[end] == table.item[begin];)
      ++end;
    if (end - begin == 1) continue;
    for (std::int32_t fold = 1; fold <= split.folds; ++fold)
      overlaps[as_index(fold) - 1].pairs_in_both += pairs_in_both(table, begin, end, split, fold);
  }
}

std::vector<FoldOverlap> overlaps_of(const Communicator& comm, const RatingTable& table,
                                     const RowRange& users, std::int64_t items,
                                     const SplitScheme& split) {
  std::vector<FoldOverlap> overlaps(as_index(split.folds));
  const bool folds = split.kind == SplitKind::kFolds;
  for (std::int32_t first = 1; first <= split.folds; first += Presence::kParts) {
    const int first_part = folds ? first : kTrainPart;
    Presence of_user(users, first_part);
    Presence of_item({0, items}, first_part);
    for (std::size_t row = 0; row < table.user.size(); ++row) {
      of_user.see(table.user[row], table.part[row]);
      of_item.see(table.item[row], table.part[row]);
    }
    of_item.merge(comm);
    const std::int32_t end = std::min(first + Presence::kParts, split.folds + 1);
    for (std::int32_t fold = first; fold < end; ++fold) {
      const int test = folds ? fold : kTestPart;
      const auto train = folds ? std::nullopt : std::optional<int>(kTrainPart);
      FoldOverlap& overlap = overlaps[as_index(fold) - 1];
      overlap.test_users = of_user.count(test, train, false);
      overlap.test_users_unseen = of_user.count(test, train, true);
      overlap.test_items = of_item.count(test, train, false);
      overlap.test_items_unseen = of_item.count(test, train, true);
    }
  }
  count_pairs(table, split, overlaps);
  for (FoldOverlap& overlap : overlaps) {
    std::array<std::int64_t*, 5> counts = {&overlap.test_users, &overlap.test_users_unseen,
                                           &overlap.test_items, &overlap.test_items_unseen,
                                           &overlap.pairs_in_both};
    std::array<std::int64_t, 5> sums{};
    for (std::size_t at = 0; at < sums.size(); ++at) sums[at] = *counts[at];
    comm.all_reduce(std::span<std::int64_t>(sums), Reduction::kSum);
    for (std::size_t at = 0; at < sums.size(); ++at) *counts[at] = sums[at];
  }
  return overlaps;
}

/// The smallest and the largest of all ranks' values.
std::pair<float, float> range_of(const Communicator& comm, const std::vector<float>& values) {
  float low = std::numeric_limits<float>::infinity();
  float high = -low;
  for (const float value : values) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  return {comm.all_reduce(low, Reduction::kMin), comm.all_reduce(high, Reduction::kMax)};
}

std::vector<SignCounts> count_signs(const Communicator& comm, const RatingTable& table,
                                    const SplitScheme& split, float offset) {
  std::vector<std::int64_t> counts(3 * (std::size_t{split.last_part()} - split.first_part() + 1),
                                   0);
  for (std::size_t row = 0; row < table.user.size(); ++row) {
    const std::size_t part = table.part[row] - std::size_t{split.first_part()};
    const int sign = sign_of(table.value[row], offset);
    ++counts[3 * part + (sign > 0 ? 0U : sign < 0 ? 1U : 2U)];
  }
  comm.all_reduce(std::span<std::int64_t>(counts), Reduction::kSum);
  std::vector<SignCounts> result;
  for (std::size_t at = 0; at < counts.size(); at += 3)
    result.push_back({counts[at], counts[at + 1], counts[at + 2]});
  return result;
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

DatasetStatistics compute_statistics(const Communicator& comm, const RatingTable& table,
                                     const RowRange& users, std::int64_t items,
                                     const SplitScheme& split, float offset) {
  const EdgeOffset ratings = comm.all_reduce(table.size(), Reduction::kSum);
  SIREN_ASSERT(ratings > 0, "statistics of no ratings");
  DatasetStatistics result;
  result.offset = offset;
  std::tie(result.min_value, result.max_value) = range_of(comm, table.value);
  result.histogram = exact_histogram(comm, table.value);
  result.exact_histogram = !result.histogram.empty();
  if (!result.exact_histogram)
    result.histogram = binned_histogram(comm, table.value, result.min_value, result.max_value);
  result.user_degree = quantiles(comm, degrees(table.user, users));
  result.item_degree = item_quantiles(comm, table, items);
  result.by_part = count_signs(comm, table, split, offset);
  result.by_fold = overlaps_of(comm, table, users, items, split);
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
