// SPDX-License-Identifier: Apache-2.0
#include "data/dataset_file.hpp"

#include <algorithm>
#include <iterator>
#include <limits>

#include <fmt/format.h>

#include "data/dataset_checks.hpp"
#include "data/dataset_layout.hpp"
#include "data/id_arrays.hpp"
#include "io/hdf5_checks.hpp"
#include "siren/check.hpp"

namespace siren::inline data {
namespace {

constexpr std::int64_t kMostCommandBytes = std::int64_t{1} << 24;
constexpr std::int64_t kIdsAtOnce = std::int64_t{1} << 20;

constexpr IdArrays kUserIds = {layout::kUserIdBytes, layout::kUserIdOffsets};
constexpr IdArrays kItemIds = {layout::kItemIdBytes, layout::kItemIdOffsets};

template <class T>
std::vector<T> read_all(const Hdf5File& file, const char* name) {
  return file.read<T>(name, 0, file.length_of(name));
}

template <class T>
std::vector<T> read_exactly(const Hdf5File& file, const char* name, std::size_t count) {
  check_length(file, name, static_cast<std::int64_t>(count));
  return read_all<T>(file, name);
}

std::string read_text(const Hdf5File& file, const char* name) {
  const std::vector<char> bytes = read_all<char>(file, name);
  return {bytes.begin(), bytes.end()};
}

std::string read_command(const Hdf5File& file) {
  if (file.length_of(layout::kCommand) > kMostCommandBytes)
    damaged(file.path(), "its command is longer than any command line");
  return read_text(file, layout::kCommand);
}

DegreeQuantiles read_quantiles(const Hdf5File& file, const char* name) {
  DegreeQuantiles quantiles{};
  check_length(file, name, std::ssize(quantiles));
  file.read<std::int64_t>(name, 0, std::span<std::int64_t>(quantiles));
  return quantiles;
}

bool read_flag(const Hdf5File& file, const char* name) {
  return whole_number_in(file, name, 0, 1) != 0;
}

void read_histogram(const Hdf5File& file, DatasetStatistics& result) {
  const std::int64_t bins = file.length_of(layout::kHistogramCount);
  if (bins < 1 || bins > std::int64_t{kMaxHistogramValues})
    damaged(file.path(), fmt::format("{} has {} values", layout::kHistogramCount, bins));
  const auto count = read_all<std::int64_t>(file, layout::kHistogramCount);
  const auto value = read_exactly<float>(file, layout::kHistogramValue, count.size());
  for (std::size_t at = 0; at < value.size(); ++at)
    result.histogram.push_back({value[at], count[at]});
}

DatasetStatistics read_statistics(const Hdf5File& file, const SplitScheme& split) {
  DatasetStatistics result;
  result.offset = real_number_in(file, "offset");
  result.min_value = real_number_in(file, "min_value");
  result.max_value = real_number_in(file, "max_value");
  result.exact_histogram = read_flag(file, "exact_histogram");
  read_histogram(file, result);
  const std::size_t parts = std::size_t{split.last_part()} - split.first_part() + 1;
  const auto signs = read_exactly<std::int64_t>(file, layout::kPartSigns, 3 * parts);
  for (std::size_t at = 0; at < signs.size(); at += 3)
    result.by_part.push_back({signs[at], signs[at + 1], signs[at + 2]});
  const auto overlap = read_exactly<std::int64_t>(file, layout::kFoldOverlap,
                                                  5 * static_cast<std::size_t>(split.folds));
  for (std::size_t at = 0; at < overlap.size(); at += 5)
    result.by_fold.push_back(
        {overlap[at], overlap[at + 1], overlap[at + 2], overlap[at + 3], overlap[at + 4]});
  result.user_degree = read_quantiles(file, layout::kUserDegree);
  result.item_degree = read_quantiles(file, layout::kItemDegree);
  return result;
}

SplitScheme read_split(const Hdf5File& file) {
  SplitScheme split;
  const std::string kind = file.string_attribute("split_kind");
  split.kind = kind == name_of(SplitKind::kFolds) ? SplitKind::kFolds : SplitKind::kParts;
  if (kind != name_of(split.kind)) damaged(file.path(), "its attribute split_kind is unknown");
  const std::int32_t most = split.kind == SplitKind::kFolds ? kMaxFolds : 1;
  split.folds = static_cast<std::int32_t>(whole_number_in(file, "folds", 1, most));
  split.valid_share = file.double_attribute("valid_share");
  if (!(split.valid_share >= 0.0 && split.valid_share < 1.0))
    damaged(file.path(), fmt::format("its attribute valid_share is {}", split.valid_share));
  split.seed = static_cast<std::uint32_t>(
      whole_number_in(file, "seed", 0, std::numeric_limits<std::uint32_t>::max()));
  return split;
}

std::string read_method(const Hdf5File& file) {
  std::string method = file.string_attribute("split_method");
  if (!value_named<SplitMethod>(method))
    damaged(file.path(), "its attribute split_method is unknown");
  return method;
}

std::string read_hash(const Hdf5File& file) {
  constexpr std::size_t kDigits = 32;
  std::string hash = file.string_attribute("content_hash");
  if (hash.size() != kDigits || hash.find_first_not_of("0123456789abcdef") != std::string::npos)
    damaged(file.path(), "its attribute content_hash is none");
  return hash;
}

/// What is small is read here; of the rest the lengths are checked.
DatasetSummary read_summary(const Hdf5File& file) {
  constexpr std::int64_t kMostIds = std::numeric_limits<std::int32_t>::max();
  constexpr std::int64_t kMostRatings = std::int64_t{1} << 50;
  DatasetSummary summary;
  summary.format_version = whole_number_in(file, "siren_dataset", 1, kDatasetFormatVersion);
  summary.users = whole_number_in(file, "users", 1, kMostIds);
  summary.items = whole_number_in(file, "items", 1, kMostIds);
  summary.ratings = whole_number_in(file, "ratings", 1, kMostRatings);
  check_counts(file, summary);
  summary.split = read_split(file);
  summary.split_method = read_method(file);
  summary.has_timestamps = file.length_of(layout::kUserTimestamp) > 0;
  summary.user_ids_numeric = read_flag(file, "user_ids_numeric");
  summary.item_ids_numeric = read_flag(file, "item_ids_numeric");
  summary.statistics = read_statistics(file, summary.split);
  summary.offset = summary.statistics.offset;
  check_statistics(summary, file.path());
  summary.content_hash = read_hash(file);
  summary.program_version = file.string_attribute("program_version");
  summary.command = read_command(file);
  return summary;
}

IdTable read_id_table(const Hdf5File& file, const IdArrays& arrays, bool numeric) {
  auto offsets = read_all<std::int64_t>(file, arrays.offsets);
  check_id_offsets(file, arrays, offsets, true, true);
  IdTable table(read_text(file, arrays.bytes), std::move(offsets), numeric);
  check_sorted(table, arrays.offsets, file.path());
  return table;
}

/// For those who copy them as they are.
void check_all_id_offsets(const Hdf5File& file, const IdArrays& arrays, std::int64_t count) {
  for (std::int64_t begin = 0; begin < count; begin += kIdsAtOnce) {
    const std::int64_t end = std::min(begin + kIdsAtOnce, count);
    check_id_offsets(file, arrays, file.read<std::int64_t>(arrays.offsets, begin, end + 1),
                     begin == 0, end == count);
  }
}

std::vector<EdgeOffset> read_offsets(const Hdf5File& file, const char* array, std::int64_t begin,
                                     std::int64_t end, std::int64_t keys, EdgeOffset ratings) {
  std::vector<EdgeOffset> at = file.read<EdgeOffset>(array, begin, end + 1);
  check_offsets(at, begin, keys, ratings, array, file.path());
  return at;
}

void require_range(const char* what, std::int64_t begin, std::int64_t end, std::int64_t size) {
  SIREN_ASSERT(0 <= begin && begin <= end && end <= size, "{} [{}, {}) of {}", what, begin, end,
               size);
}

}  // namespace

bool looks_like_dataset(const std::string& path) {
  return has_header(path);
}

DatasetFile::DatasetFile(const std::string& path)
    : path_(path),
      extents_(check_header(path, kDatasetFormatVersion)),
      file_(Hdf5File::open_read_only(path)),
      opened_(state_of(file_)),
      summary_(read_summary(file_)) {
  check_places(file_, extents_);
}

void DatasetFile::verify() const {
  check_extents(path_, extents_);
  check_all_id_offsets(file_, kUserIds, summary_.users);
  check_all_id_offsets(file_, kItemIds, summary_.items);
}

void DatasetFile::check_unchanged() const {
  if (state_of(file_) == opened_) return;
  const std::string same_file = path_of_open(file_);  // whatever has this name now
  try {
    check_extents(same_file, extents_);
  } catch (const InputError&) {
    throw EnvironmentError(fmt::format(
        "{} was overwritten while it was in use; leave a data set alone until then, or replace it "
        "by another file (mv), and start again",
        path_));
  }
}

std::vector<EdgeOffset> DatasetFile::user_offsets(std::int64_t begin, std::int64_t end) const {
  require_range("users", begin, end, summary_.users);
  return read_offsets(file_, layout::kUserOffsets, begin, end, summary_.users, summary_.ratings);
}

RatingSlab DatasetFile::ratings(EdgeOffset begin, EdgeOffset end) const {
  require_range("ratings", begin, end, summary_.ratings);
  RatingSlab slab{file_.read<ItemId>(layout::kUserItem, begin, end),
                  file_.read<float>(layout::kUserValue, begin, end),
                  file_.read<std::uint8_t>(layout::kUserPart, begin, end)};
  check_indices(slab.item, summary_.items, layout::kUserItem, path_);
  check_values(slab.value, slab.part, summary_, path_);
  return slab;
}

RatingSlab DatasetFile::ratings_of(std::span<const EdgeOffset> offsets) const {
  RatingSlab slab = ratings(offsets.front(), offsets.back());
  check_order(slab, offsets, path_);
  return slab;
}

std::vector<std::string> DatasetFile::user_ids(std::int64_t begin, std::int64_t end) const {
  require_range("user ids", begin, end, summary_.users);
  return read_ids(file_, kUserIds, begin, end);
}

std::vector<std::string> DatasetFile::item_ids(std::int64_t begin, std::int64_t end) const {
  require_range("item ids", begin, end, summary_.items);
  return read_ids(file_, kItemIds, begin, end);
}

IdTable DatasetFile::user_id_table() const {
  return read_id_table(file_, kUserIds, summary_.user_ids_numeric);
}

IdTable DatasetFile::item_id_table() const {
  return read_id_table(file_, kItemIds, summary_.item_ids_numeric);
}

}  // namespace siren::inline data
