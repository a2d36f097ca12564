// SPDX-License-Identifier: Apache-2.0
#include "siren/io/dataset_file.hpp"

#include <fmt/format.h>

#include "siren/core/check.hpp"
#include "siren/core/error.hpp"
#include "siren/io/dataset_layout.hpp"
#include "siren/io/id_arrays.hpp"

namespace siren {
namespace {

template <class T>
std::vector<T> read_all(const Hdf5File& file, const char* name) {
  return file.read<T>(name, 0, file.length_of(name));
}

std::string read_text(const Hdf5File& file, const char* name) {
  const std::vector<char> bytes = read_all<char>(file, name);
  return {bytes.begin(), bytes.end()};
}

DegreeQuantiles read_quantiles(const Hdf5File& file, const char* name) {
  DegreeQuantiles quantiles{};
  file.read<std::int64_t>(name, 0, std::span<std::int64_t>(quantiles));
  return quantiles;
}

DatasetStatistics read_statistics(const Hdf5File& file) {
  DatasetStatistics result;
  result.offset = static_cast<float>(file.double_attribute("offset"));
  result.min_value = static_cast<float>(file.double_attribute("min_value"));
  result.max_value = static_cast<float>(file.double_attribute("max_value"));
  result.exact_histogram = file.int_attribute("exact_histogram") != 0;
  const auto value = read_all<float>(file, layout::kHistogramValue);
  const auto count = read_all<std::int64_t>(file, layout::kHistogramCount);
  for (std::size_t at = 0; at < value.size(); ++at)
    result.histogram.push_back({value[at], count[at]});
  const auto signs = read_all<std::int64_t>(file, layout::kPartSigns);
  for (std::size_t at = 0; at + 3 <= signs.size(); at += 3)
    result.by_part.push_back({signs[at], signs[at + 1], signs[at + 2]});
  const auto overlap = read_all<std::int64_t>(file, layout::kFoldOverlap);
  for (std::size_t at = 0; at + 5 <= overlap.size(); at += 5)
    result.by_fold.push_back(
        {overlap[at], overlap[at + 1], overlap[at + 2], overlap[at + 3], overlap[at + 4]});
  result.user_degree = read_quantiles(file, layout::kUserDegree);
  result.item_degree = read_quantiles(file, layout::kItemDegree);
  return result;
}

DatasetSummary read_summary(const Hdf5File& file) {
  DatasetSummary summary;
  summary.users = file.int_attribute("users");
  summary.items = file.int_attribute("items");
  summary.ratings = file.int_attribute("ratings");
  const bool folds = file.string_attribute("split_kind") == name_of(SplitKind::kFolds);
  summary.split.kind = folds ? SplitKind::kFolds : SplitKind::kParts;
  summary.split.folds = static_cast<std::int32_t>(file.int_attribute("folds"));
  summary.split.valid_share = file.double_attribute("valid_share");
  summary.split.seed = static_cast<std::uint32_t>(file.int_attribute("seed"));
  summary.split_method = file.string_attribute("split_method");
  summary.has_timestamps = file.length_of(layout::kUserTimestamp) > 0;
  summary.user_ids_numeric = file.int_attribute("user_ids_numeric") != 0;
  summary.item_ids_numeric = file.int_attribute("item_ids_numeric") != 0;
  summary.statistics = read_statistics(file);
  summary.offset = summary.statistics.offset;
  summary.content_hash = file.string_attribute("content_hash");
  summary.program_version = file.string_attribute("program_version");
  summary.command = read_text(file, layout::kCommand);
  return summary;
}

IdTable read_id_table(const Hdf5File& file, const char* bytes, const char* offsets, bool numeric) {
  return IdTable(read_text(file, bytes), read_all<std::int64_t>(file, offsets), numeric);
}

void require_range(const char* what, std::int64_t begin, std::int64_t end, std::int64_t size) {
  SIREN_ASSERT(0 <= begin && begin <= end && end <= size, "{} [{}, {}) of {}", what, begin, end,
               size);
}

}  // namespace

bool looks_like_dataset(const std::string& path) {
  return has_seal(path);
}

DatasetFile::DatasetFile(const std::string& path)
    : path_(path),
      extents_(check_seal(path, kDatasetFormatVersion)),
      file_(Hdf5File::open_read_only(path)),
      opened_(state_of(file_)),
      summary_(read_summary(file_)) {}

void DatasetFile::verify() const {
  check_extents(path_, extents_);
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
  return file_.read<EdgeOffset>(layout::kUserOffsets, begin, end + 1);
}

std::vector<EdgeOffset> DatasetFile::item_offsets(std::int64_t begin, std::int64_t end) const {
  require_range("items", begin, end, summary_.items);
  return file_.read<EdgeOffset>(layout::kItemOffsets, begin, end + 1);
}

RatingSlab DatasetFile::ratings(EdgeOffset begin, EdgeOffset end) const {
  require_range("ratings", begin, end, summary_.ratings);
  return {file_.read<ItemId>(layout::kUserItem, begin, end),
          file_.read<float>(layout::kUserValue, begin, end),
          file_.read<std::uint8_t>(layout::kUserPart, begin, end)};
}

ItemRatingSlab DatasetFile::ratings_by_item(EdgeOffset begin, EdgeOffset end) const {
  require_range("ratings by item", begin, end, summary_.ratings);
  return {file_.read<UserId>(layout::kItemUser, begin, end),
          file_.read<float>(layout::kItemValue, begin, end),
          file_.read<std::uint8_t>(layout::kItemPart, begin, end)};
}

std::vector<std::string> DatasetFile::user_ids(std::int64_t begin, std::int64_t end) const {
  require_range("user ids", begin, end, summary_.users);
  return read_ids(file_, {layout::kUserIdBytes, layout::kUserIdOffsets}, begin, end);
}

std::vector<std::string> DatasetFile::item_ids(std::int64_t begin, std::int64_t end) const {
  require_range("item ids", begin, end, summary_.items);
  return read_ids(file_, {layout::kItemIdBytes, layout::kItemIdOffsets}, begin, end);
}

IdTable DatasetFile::user_id_table() const {
  return read_id_table(file_, layout::kUserIdBytes, layout::kUserIdOffsets,
                       summary_.user_ids_numeric);
}

IdTable DatasetFile::item_id_table() const {
  return read_id_table(file_, layout::kItemIdBytes, layout::kItemIdOffsets,
                       summary_.item_ids_numeric);
}

}  // namespace siren
