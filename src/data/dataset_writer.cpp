// SPDX-License-Identifier: Apache-2.0
#include "data/dataset_writer.hpp"

#include <bit>
#include <memory>
#include <span>
#include <vector>

#include <fmt/format.h>
#include <xxhash.h>

#include "data/dataset_file.hpp"
#include "data/dataset_layout.hpp"
#include "io/atomic_file.hpp"
#include "io/plain_file.hpp"
#include "siren/check.hpp"
#include "siren/version.hpp"

namespace siren::inline data {
namespace {

class ContentHash {
 public:
  ContentHash() : state_(XXH3_createState()) { XXH3_128bits_reset(state_.get()); }

  /// The length goes first, so that no two different sequences of arrays look alike.
  template <class T>
  void add(std::span<const T> values) {
    const std::uint64_t count = values.size();
    XXH3_128bits_update(state_.get(), &count, sizeof count);
    XXH3_128bits_update(state_.get(), values.data(), values.size_bytes());
  }
  void add(std::uint64_t value) { add(std::span<const std::uint64_t>(&value, 1)); }

  std::string hex() const {
    const XXH128_hash_t digest = XXH3_128bits_digest(state_.get());
    return fmt::format("{:016x}{:016x}", digest.high64, digest.low64);
  }

 private:
  struct Free {
    void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
  };
  std::unique_ptr<XXH3_state_t, Free> state_;
};

template <class T>
void put(Hdf5File& file, const char* name, std::span<const T> values) {
  file.create<T>(name, static_cast<std::int64_t>(values.size()));
  file.write<T>(name, 0, values);
}

template <class T>
void put(Hdf5File& file, const char* name, const std::vector<T>& values) {
  put(file, name, std::span<const T>(values));
}

void put_ids(Hdf5File& file, const IdTable& ids, const char* bytes, const char* offsets) {
  put(file, bytes, std::span<const char>(ids.bytes()));
  put(file, offsets, ids.offsets());
}

void put_ratings(Hdf5File& file, const DatasetContent& content) {
  const RatingTable& table = content.ratings;
  const auto users = static_cast<std::int32_t>(content.user_ids.size());
  put(file, layout::kUserOffsets, key_offsets(table.user, users));
  put(file, layout::kUserItem, table.item);
  put(file, layout::kUserValue, table.value);
  put(file, layout::kUserPart, table.part);
  put(file, layout::kUserTimestamp, table.timestamp);
}

void put_statistics(Hdf5File& file, const DatasetStatistics& statistics) {
  std::vector<float> value;
  std::vector<std::int64_t> count;
  for (const ValueCount& entry : statistics.histogram) {
    value.push_back(entry.value);
    count.push_back(entry.count);
  }
  std::vector<std::int64_t> signs;
  for (const SignCounts& part : statistics.by_part)
    signs.insert(signs.end(), {part.liked, part.disliked, part.neither});
  std::vector<std::int64_t> overlap;
  for (const FoldOverlap& fold : statistics.by_fold)
    overlap.insert(overlap.end(), {fold.test_users, fold.test_items, fold.test_users_unseen,
                                   fold.test_items_unseen, fold.pairs_in_both});
  put(file, layout::kHistogramValue, value);
  put(file, layout::kHistogramCount, count);
  put(file, layout::kPartSigns, signs);
  put(file, layout::kFoldOverlap, overlap);
  put(file, layout::kUserDegree, std::span<const std::int64_t>(statistics.user_degree));
  put(file, layout::kItemDegree, std::span<const std::int64_t>(statistics.item_degree));
}

void put_attributes(Hdf5File& file, const DatasetContent& content, const std::string& hash) {
  const DatasetStatistics& statistics = content.statistics;
  file.set_attribute("siren_dataset", std::int64_t{kDatasetFormatVersion});
  file.set_attribute("users", content.user_ids.size());
  file.set_attribute("items", content.item_ids.size());
  file.set_attribute("ratings", std::int64_t{content.ratings.size()});
  file.set_attribute("split_kind", name_of(content.split.kind));
  file.set_attribute("split_method", name_of(content.split_method));
  file.set_attribute("folds", std::int64_t{content.split.folds});
  file.set_attribute("valid_share", content.split.valid_share);
  file.set_attribute("seed", std::int64_t{content.split.seed});
  file.set_attribute("offset", static_cast<double>(statistics.offset));
  file.set_attribute("min_value", static_cast<double>(statistics.min_value));
  file.set_attribute("max_value", static_cast<double>(statistics.max_value));
  file.set_attribute("exact_histogram", std::int64_t{statistics.exact_histogram});
  file.set_attribute("user_ids_numeric", std::int64_t{content.user_ids.numeric()});
  file.set_attribute("item_ids_numeric", std::int64_t{content.item_ids.numeric()});
  file.set_attribute("content_hash", std::string_view(hash));
  file.set_attribute("program_version", std::string_view(kVersion));
}

/// No less than the file can need.
std::int64_t most_bytes(const DatasetContent& content) {
  constexpr std::int64_t kRating = sizeof(ItemId) + sizeof(float) + sizeof(std::uint8_t);
  constexpr std::int64_t kNumber = sizeof(std::int64_t);
  std::int64_t bytes = kHeaderBytes + kHdf5Structures + std::ssize(content.command);
  for (const IdTable* ids : {&content.user_ids, &content.item_ids})
    bytes += std::ssize(ids->bytes()) + 2 * kNumber * (ids->size() + 1);  // theirs, and of ratings
  bytes += content.ratings.size() * kRating + std::ssize(content.ratings.timestamp) * kNumber;
  const DatasetStatistics& statistics = content.statistics;
  bytes += kNumber * (2 * std::ssize(statistics.histogram) + 3 * std::ssize(statistics.by_part) +
                      5 * std::ssize(statistics.by_fold));
  return bytes;
}

std::vector<ChecksummedExtent> all_extents(const Hdf5File& file) {
  std::vector<ChecksummedExtent> extents;
  extents.reserve(layout::kAll.size());
  for (const char* name : layout::kAll) extents.push_back({name, file.extent_of(name), 0});
  return extents;
}

}  // namespace

std::string content_hash(const DatasetContent& content) {
  ContentHash hash;
  for (const IdTable* ids : {&content.user_ids, &content.item_ids}) {
    hash.add(std::span<const char>(ids->bytes()));
    hash.add(ids->offsets());
  }
  const RatingTable& table = content.ratings;
  hash.add(std::span<const UserId>(table.user));
  hash.add(std::span<const ItemId>(table.item));
  hash.add(std::span<const float>(table.value));
  hash.add(std::span<const std::uint8_t>(table.part));
  hash.add(static_cast<std::uint64_t>(content.split.kind));
  hash.add(static_cast<std::uint64_t>(content.split.folds));
  hash.add(std::bit_cast<std::uint64_t>(content.split.valid_share));
  const bool draws_later =
      content.split.kind == SplitKind::kFolds && content.split.valid_share > 0.0;
  hash.add(draws_later ? content.split.seed : 0);
  return hash.hex();
}

std::string write_dataset(const std::string& path, const DatasetContent& content) {
  AtomicFile target(path);
  return write_dataset(target, content);
}

std::string write_dataset(AtomicFile& target, const DatasetContent& content) {
  const std::int64_t room = most_bytes(content);
  Hdf5File file = Hdf5File::create(target.temporary(), kHeaderBytes, room);
  std::string hash = content_hash(content);
  put_ids(file, content.user_ids, layout::kUserIdBytes, layout::kUserIdOffsets);
  put_ids(file, content.item_ids, layout::kItemIdBytes, layout::kItemIdOffsets);
  put_ratings(file, content);
  put_statistics(file, content.statistics);
  put(file, layout::kCommand, std::span<const char>(content.command));
  put_attributes(file, content, hash);
  const std::vector<ChecksummedExtent> extents = all_extents(file);
  file.close();
  const std::int64_t bytes = PlainFile(target.temporary()).length();
  SIREN_ASSERT(bytes <= room, "{} bytes in room for {}", bytes, room);
  write_header(target.temporary(), kDatasetFormatVersion, extents);
  target.publish();
  return hash;
}

}  // namespace siren::inline data
