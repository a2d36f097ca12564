// SPDX-License-Identifier: Apache-2.0
#include "ranking/embedding_file.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <system_error>
#include <vector>

#include <fmt/format.h>

#include "core/heartbeat.hpp"
#include "data/row_dataset.hpp"
#include "io/hdf5_checks.hpp"
#include "io/output_guard.hpp"
#include "ranking/embedding_export.hpp"
#include "siren/error.hpp"
#include "siren/ids.hpp"

namespace siren::inline ranking {

namespace {

constexpr const char* kVersionAttribute = "siren_embeddings";
constexpr std::int64_t kRowsAtOnce = std::int64_t{1} << 16;

Hdf5File open_embeddings(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error))
    throw InputError(fmt::format("{}: there is no such file", path));
  const FileKind kind = file_kind(path);
  const bool other = kind == FileKind::kOther;
  if ((!other && kind != FileKind::kEmbeddings) || !begins_like_hdf5(path))
    throw InputError(
        fmt::format("{} is {}, not embeddings; make them with siren export --format hdf5", path,
                    describe(kind)));
  return Hdf5File::open_read_only(path);
}

}  // namespace

EmbeddingFile::EmbeddingFile(const std::string& path)
    : file_(open_embeddings(path)), version_(file_.int_attribute(kVersionAttribute)) {
  if (version_ > kEmbeddingFormatVersion)
    throw InputError(fmt::format("{}: format {} is newer than this program's {}; use a newer siren",
                                 path, version_, kEmbeddingFormatVersion));
  if (version_ < 1) damaged(path, fmt::format("its format version is {}", version_));
  users_ = count("users");
  items_ = count("items");
  dimension_ = count("dimension");
  for (const std::string side : {"user", "item"}) {
    const std::int64_t rows = side == "user" ? users_ : items_;
    for (const char* name : {"z", "zp", "zn"}) {
      if (name != std::string_view("z") && !has_branches()) continue;
      const std::string table = fmt::format("{}s/{}", side, name);
      const RowDataset stored = RowDataset::open_to_read(file_, table);
      if (stored.rows() != rows || stored.columns() != dimension_)
        damaged(path, fmt::format("{} is {} x {} instead of {} x {}", table, stored.rows(),
                                  stored.columns(), rows, dimension_));
    }
    if (const std::string ids = side + "_ids/offsets"; file_.length_of(ids) != rows + 1)
      damaged(path, fmt::format("{} does not tell where {} ids begin", ids, rows));
  }
}

std::int64_t EmbeddingFile::count(const char* attribute) const {
  constexpr std::int64_t kMost = std::int64_t{1} << 50;
  const std::int64_t count = file_.int_attribute(attribute);
  if (count < 0 || count > kMost)
    damaged(path(), fmt::format("its attribute {} is {}", attribute, count));
  return count;
}

void EmbeddingFile::require_for_lists() const {
  if (!serves_lists())
    throw InputError(fmt::format(
        "{}: format {} does not hold what lists need; export the model again, or use --run", path(),
        version_));
}

void EmbeddingFile::require_of(const DatasetSummary& data) const {
  if (dataset_hash() != data.content_hash)
    throw InputError(
        fmt::format("{} is of another data set (content {}, not {}); name its own with --data",
                    path(), dataset_hash(), data.content_hash));
  if (users_ != data.users || items_ != data.items)
    damaged(path(), fmt::format("it has {} users and {} items, its data set {} and {}", users_,
                                items_, data.users, data.items));
}

std::int32_t EmbeddingFile::fold() const {
  constexpr std::int64_t kMostFolds = 255;
  const std::int64_t fold = file_.int_attribute("fold");
  if (fold < 0 || fold > kMostFolds) damaged(path(), fmt::format("its attribute fold is {}", fold));
  return static_cast<std::int32_t>(fold);
}

float EmbeddingFile::offset() const {
  const auto offset = static_cast<float>(file_.double_attribute("offset"));
  if (!std::isfinite(offset)) damaged(path(), "its attribute offset is not finite");
  return offset;
}

std::vector<std::int32_t> EmbeddingFile::counts(const char* array) const {
  std::vector<std::int32_t> counts = file_.read<std::int32_t>(array, 0, items_);
  for (const std::int32_t count : counts)
    if (count < 0 || count > users_)
      damaged(path(), fmt::format("{} has {} ratings of {} users", array, count, users_));
  return counts;
}

ItemCounts EmbeddingFile::counts() const {
  ItemCounts counts{this->counts(kItemRatings), this->counts(kItemLikes)};
  for (std::size_t i = 0; i < counts.likes.size(); ++i)
    if (counts.likes[i] > counts.degree[i])
      damaged(path(), fmt::format("item {} has more likes than ratings", i));
  return counts;
}

/// Ids of the owned rows ascend; they are read range by range.
Matrix<float> EmbeddingFile::rows(const char* table, std::span<const std::int32_t> owned) const {
  const RowDataset stored = RowDataset::open_to_read(file_, table);
  Matrix<float> rows(std::ssize(owned), dimension_);
  std::vector<float> packed;
  for (std::size_t begin = 0; begin < owned.size();) {
    std::size_t end = begin + 1;
    while (end < owned.size() && owned[end] == owned[end - 1] + 1 &&
           static_cast<std::int64_t>(end - begin) < kRowsAtOnce)
      ++end;
    packed.resize((end - begin) * static_cast<std::size_t>(dimension_));
    stored.read({owned[begin], owned[end - 1] + 1}, reinterpret_cast<char*>(packed.data()),
                sizeof(float));
    if (!std::ranges::all_of(packed, [](float x) { return std::isfinite(x); }))
      damaged(path(), fmt::format("a value of {} is not finite", table));
    for (std::size_t i = begin; i < end; ++i)
      std::copy_n(packed.begin() + static_cast<std::int64_t>(i - begin) * dimension_, dimension_,
                  rows.row(static_cast<std::int64_t>(i)));
    begin = end;
    heartbeat().beat();
  }
  return rows;
}

NodeTables EmbeddingFile::read(const Layout& layout) const {
  return {rows("users/z", layout.owned_users()), rows("items/z", layout.owned_items())};
}

}  // namespace siren::inline ranking
