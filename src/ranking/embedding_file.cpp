// SPDX-License-Identifier: Apache-2.0
#include "ranking/embedding_file.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "core/heartbeat.hpp"
#include "data/dataset_checks.hpp"
#include "data/row_dataset.hpp"
#include "io/hdf5_checks.hpp"
#include "io/output_guard.hpp"
#include "ranking/embedding_export.hpp"
#include "ranking/ranking.hpp"
#include "siren/error.hpp"
#include "siren/ids.hpp"

namespace siren::inline ranking {

namespace {

constexpr const char* kVersionAttribute = "siren_embeddings";
constexpr std::int64_t kPieceBytes = std::int64_t{4} << 20;
constexpr std::int64_t kMostRows = std::int64_t{1} << 31;  // ids are 32 bits wide
constexpr std::int64_t kMostColumns = 4096;                // as --dim has it
constexpr std::int64_t kMostFinalColumns = kMostColumns + 1 + kMostColumns + 2;
constexpr double kMostHeldOut = 0.9;

Hdf5File open_embeddings(const std::string& path) {
  const auto refuse = [&](std::string_view what) {
    throw InputError(
        fmt::format("{} is {}, not what siren export --format hdf5 writes", path, what));
  };
  if (!begins_like_hdf5(path)) refuse(describe(file_kind(path)));
  Hdf5File file = Hdf5File::open_read_only(path);
  if (!has_attribute(file.get(), kVersionAttribute, path)) refuse(describe(file_kind(path)));
  return file;
}

}  // namespace

EmbeddingFile::EmbeddingFile(const std::string& path)
    : file_(open_embeddings(path)),
      opened_(state_of(file_)),
      version_(file_.int_attribute(kVersionAttribute)) {
  if (version_ > kEmbeddingFormatVersion)
    throw InputError(fmt::format("{}: format {} is newer than this program's {}; use a newer siren",
                                 path, version_, kEmbeddingFormatVersion));
  if (version_ < 1) damaged(path, fmt::format("its format version is {}", version_));
  users_ = count("users", kMostRows);
  items_ = count("items", kMostRows);
  dimension_ = count("dimension", version_ < 3 ? kMostColumns : kMostFinalColumns);
  for (const std::string side : {"user", "item"}) {
    const std::int64_t rows = side == "user" ? users_ : items_;
    for (const char* name : {"z", "zp", "zn"})
      if (name == std::string_view("z") || has_branches())
        check_table(fmt::format("{}s/{}", side, name), rows);
    if (const std::string ids = side + "_ids/offsets"; file_.length_of(ids) != rows + 1)
      damaged(path, fmt::format("{} does not tell where {} ids begin", ids, rows));
  }
  if (version_ >= 3) read_columns();
  if (!serves_lists()) return;
  for (const char* array : {kItemRatings, kItemLikes})
    if (const std::int64_t length = file_.length_of(array); length != items_)
      damaged(path, fmt::format("{} has {} values instead of {}", array, length, items_));
}

void EmbeddingFile::read_columns() {
  columns_.bias = count(kBiasColumns, 1, 0);
  columns_.polarity = count(kPolarityColumns, dimension_ - columns_.bias - 1, 0);
  lambda_ = real(kLambda, kMostLambda);
  hold_out_ = real(kHoldOut, kMostHeldOut);
  seed_ = static_cast<std::uint32_t>(count(kSeed, std::numeric_limits<std::uint32_t>::max(), 0));
}

double EmbeddingFile::real(const char* attribute, double most) const {
  const double value = file_.double_attribute(attribute);
  if (!(value >= 0.0 && value <= most))
    damaged(path(), fmt::format("its attribute {} is {}", attribute, value));
  return value;
}

std::int64_t EmbeddingFile::count(const char* attribute, std::int64_t most,
                                  std::int64_t least) const {
  const std::int64_t count = file_.int_attribute(attribute);
  if (count < least || count > most)
    damaged(path(), fmt::format("its attribute {} is {}", attribute, count));
  return count;
}

/// A table in chunks could be declared much larger than the file is.
void EmbeddingFile::check_table(const std::string& table, std::int64_t rows) const {
  const RowDataset stored = RowDataset::open_to_read(file_, table);
  if (stored.in_chunks()) damaged(path(), fmt::format("{} is not stored in one piece", table));
  if (stored.rows() != rows || stored.columns() != dimension_)
    damaged(path(), fmt::format("{} is {} x {} instead of {} x {}", table, stored.rows(),
                                stored.columns(), rows, dimension_));
}

void EmbeddingFile::require_same(const Communicator& comm) const {
  std::array<std::int64_t, 2> root = {opened_.bytes, opened_.written};
  comm.broadcast(std::span<std::int64_t>(root));
  agree_on_input(comm, [&] {
    if (root != std::array<std::int64_t, 2>{opened_.bytes, opened_.written})
      throw InputError(fmt::format(
          "{} was replaced while the ranks opened it; start the command again", path()));
  });
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
  if (!data.split.has_fold(fold()))
    damaged(path(), fmt::format("it is of fold {}, which its data set does not have", fold()));
}

std::int32_t EmbeddingFile::fold() const {
  constexpr std::int64_t kMostFolds = 255;
  const std::int64_t fold = file_.int_attribute("fold");
  if (fold < 0 || fold > kMostFolds) damaged(path(), fmt::format("its attribute fold is {}", fold));
  return static_cast<std::int32_t>(fold);
}

float EmbeddingFile::offset() const {
  return real_number_in(file_, "offset");
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

void EmbeddingFile::require_counts_of(const TrainingSet& train) const {
  const ItemCounts stored = counts();
  if (stored.degree != train.item_degree || stored.likes != train.item_likes)
    damaged(path(), "its counts of ratings are not those of its data set");
}

/// Ids of the owned rows ascend; they are read range by range.
Matrix<float> EmbeddingFile::rows(const char* table, std::span<const std::int32_t> owned) const {
  const RowDataset stored = RowDataset::open_to_read(file_, table);
  const std::int64_t at_once =
      std::max<std::int64_t>(kPieceBytes / (dimension_ * std::int64_t{sizeof(float)}), 1);
  Matrix<float> rows(std::ssize(owned), dimension_);
  std::vector<float> packed;
  for (std::size_t begin = 0; begin < owned.size();) {
    std::size_t end = begin + 1;
    while (end < owned.size() && owned[end] == owned[end - 1] + 1 &&
           static_cast<std::int64_t>(end - begin) < at_once)
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
  NodeTables z{rows("users/z", layout.owned_users()), rows("items/z", layout.owned_items()),
               columns_};
  if (state_of(file_) != opened_)
    throw InputError(
        fmt::format("{} was overwritten while it was read; start the command again", path()));
  return z;
}

}  // namespace siren::inline ranking
