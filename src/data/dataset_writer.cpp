// SPDX-License-Identifier: Apache-2.0
#include "data/dataset_writer.hpp"

#include <algorithm>
#include <bit>
#include <numeric>
#include <span>
#include <string_view>
#include <vector>

#include "core/heartbeat.hpp"
#include "data/dataset_file.hpp"
#include "data/dataset_layout.hpp"
#include "io/ordered_hash.hpp"
#include "io/plain_file.hpp"
#include "siren/check.hpp"
#include "siren/version.hpp"

namespace siren::inline data {
namespace {

template <class T>
void put(Hdf5File& file, const char* name, std::span<const T> values) {
  file.create<T>(name, static_cast<std::int64_t>(values.size()));
  file.write<T>(name, 0, values);
}

template <class T>
void put(Hdf5File& file, const char* name, const std::vector<T>& values) {
  put(file, name, std::span<const T>(values));
}

/// What a file has room for.
struct Totals {
  std::int64_t users = 0;
  std::int64_t items = 0;
  std::int64_t user_bytes = 0;  // of ids
  std::int64_t item_bytes = 0;
  EdgeOffset ratings = 0;
  bool timed = false;
};

Totals totals_of(const Communicator& comm, const DatasetContent& content) {
  const auto sum = [&](std::int64_t value) { return comm.all_reduce(value, Reduction::kSum); };
  Totals totals;
  totals.users = content.user_ids.size();
  totals.items = content.item_ids.size();
  totals.user_bytes = sum(std::ssize(content.user_ids.ids().bytes()));
  totals.item_bytes = sum(std::ssize(content.item_ids.ids().bytes()));
  totals.ratings = sum(content.ratings.size());
  totals.timed = sum(content.ratings.has_timestamps() ? 1 : 0) > 0;
  return totals;
}

void make_arrays(Hdf5File& file, const Totals& totals) {
  file.create<char>(layout::kUserIdBytes, totals.user_bytes);
  file.create<std::int64_t>(layout::kUserIdOffsets, totals.users + 1);
  file.create<char>(layout::kItemIdBytes, totals.item_bytes);
  file.create<std::int64_t>(layout::kItemIdOffsets, totals.items + 1);
  file.create<std::int64_t>(layout::kUserOffsets, totals.users + 1);
  file.create<ItemId>(layout::kUserItem, totals.ratings);
  file.create<float>(layout::kUserValue, totals.ratings);
  file.create<std::uint8_t>(layout::kUserPart, totals.ratings);
  file.create<std::int64_t>(layout::kUserTimestamp, totals.timed ? totals.ratings : 0);
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

void put_attributes(Hdf5File& file, const DatasetContent& content, const Totals& totals,
                    const std::string& hash) {
  const DatasetStatistics& statistics = content.statistics;
  file.set_attribute("siren_dataset", std::int64_t{kDatasetFormatVersion});
  file.set_attribute("users", totals.users);
  file.set_attribute("items", totals.items);
  file.set_attribute("ratings", totals.ratings);
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
std::int64_t most_bytes(const DatasetContent& content, const Totals& totals) {
  constexpr std::int64_t kRating = sizeof(ItemId) + sizeof(float) + sizeof(std::uint8_t);
  constexpr std::int64_t kNumber = sizeof(std::int64_t);
  std::int64_t bytes = kHeaderBytes + kHdf5Structures + std::ssize(content.command);
  bytes += totals.user_bytes + totals.item_bytes;
  bytes += 2 * kNumber * (totals.users + totals.items + 2);  // offsets of ids and of ratings
  bytes += totals.ratings * (kRating + (totals.timed ? kNumber : 0));
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

/// Rank 0: the file with everything in it but the arrays of make_arrays(), which have their space.
std::vector<ChecksummedExtent> make_file(const std::string& path, const DatasetContent& content,
                                         const Totals& totals, const std::string& hash) {
  const std::int64_t room = most_bytes(content, totals);
  Hdf5File file = Hdf5File::create(path, kHeaderBytes, room);
  make_arrays(file, totals);
  put_statistics(file, content.statistics);
  put(file, layout::kCommand, std::span<const char>(content.command));
  put_attributes(file, content, totals, hash);
  std::vector<ChecksummedExtent> extents = all_extents(file);
  file.close();
  const std::int64_t bytes = PlainFile(path).length();
  SIREN_ASSERT(bytes <= room, "{} bytes in room for {}", bytes, room);
  return extents;
}

/// Writes what the ranks have of the arrays, one behind the other.
class ArrayWriter {
 public:
  ArrayWriter(const Communicator& comm, SharedFile& target,
              const std::vector<ChecksummedExtent>& extents)
      : comm_(comm), target_(target), places_(layout::kAll.size(), 0) {
    for (std::size_t at = 0; at < extents.size(); ++at) places_[at] = extents[at].extent.offset;
    comm.broadcast(std::span<std::int64_t>(places_));
  }

  template <class T>
  void write(const char* array, std::span<const T> mine) {
    const std::int64_t begin =
        place_of(array) + sum_before(comm_, static_cast<std::int64_t>(mine.size_bytes()));
    const std::string_view bytes(reinterpret_cast<const char*>(mine.data()), mine.size_bytes());
    target_.write_at(begin, [&](const Sink& sink) {
      for (std::size_t at = 0; at < bytes.size(); at += kPiece) {
        sink(bytes.substr(at, kPiece));
        heartbeat().beat();
      }
    });
  }

 private:
  static constexpr std::size_t kPiece = std::size_t{1} << 24;

  std::int64_t place_of(std::string_view array) const {
    const auto* const at = std::find(layout::kAll.begin(), layout::kAll.end(), array);
    return places_[static_cast<std::size_t>(at - layout::kAll.begin())];
  }

  const Communicator& comm_;
  SharedFile& target_;
  std::vector<std::int64_t> places_;
};

/// Offsets of all ids or users, of which each rank knows its own from 0: those of the first of each,
/// and behind the last rank's also the end.
std::vector<std::int64_t> shared_offsets(const Communicator& comm,
                                         std::span<const std::int64_t> mine) {
  const std::int64_t before = sum_before(comm, mine.back());
  const bool last = comm.rank() + 1 == comm.size();
  std::vector<std::int64_t> offsets(mine.begin(), mine.end() - (last ? 0 : 1));
  for (std::int64_t& offset : offsets) offset += before;
  return offsets;
}

std::vector<std::int64_t> rating_offsets(const Communicator& comm, const DatasetContent& content) {
  const RowRange users = content.user_ids.range();
  std::vector<EdgeOffset> offsets(as_index(users.size()) + 1, 0);
  for (const UserId user : content.ratings.user) ++offsets[as_index(user - users.begin) + 1];
  std::partial_sum(offsets.begin(), offsets.end(), offsets.begin());
  return shared_offsets(comm, offsets);
}

}  // namespace

std::string content_hash(const Communicator& comm, const DatasetContent& content) {
  OrderedHash hash(comm);
  for (const IdShare* share : {&content.user_ids, &content.item_ids}) {
    hash.add(std::span<const char>(share->ids().bytes()));
    hash.add(std::span<const std::int64_t>(shared_offsets(comm, share->ids().offsets())));
  }
  const RatingTable& table = content.ratings;
  hash.add(std::span<const UserId>(table.user));
  hash.add(std::span<const ItemId>(table.item));
  hash.add(std::span<const float>(table.value));
  hash.add(std::span<const std::uint8_t>(table.part));
  hash.add_alike(static_cast<std::uint64_t>(content.split.kind));
  hash.add_alike(static_cast<std::uint64_t>(content.split.folds));
  hash.add_alike(std::bit_cast<std::uint64_t>(content.split.valid_share));
  const bool draws_later =
      content.split.kind == SplitKind::kFolds && content.split.valid_share > 0.0;
  hash.add_alike(draws_later ? content.split.seed : 0);
  return hash.hex();
}

std::string write_dataset(const std::string& path, const DatasetContent& content) {
  SharedFile target(Communicator::alone(), path);
  return write_dataset(Communicator::alone(), target, content);
}

std::string write_dataset(const Communicator& comm, SharedFile& target,
                          const DatasetContent& content) {
  const Totals totals = totals_of(comm, content);
  std::string hash = content_hash(comm, content);
  std::vector<ChecksummedExtent> extents;
  target.on_root([&] { extents = make_file(target.temporary(), content, totals, hash); });
  ArrayWriter arrays(comm, target, extents);
  const auto write_ids = [&](const IdShare& share, const char* bytes, const char* offsets) {
    arrays.write(bytes, std::span<const char>(share.ids().bytes()));
    const std::vector<std::int64_t> begins = shared_offsets(comm, share.ids().offsets());
    arrays.write(offsets, std::span<const std::int64_t>(begins));
  };
  write_ids(content.user_ids, layout::kUserIdBytes, layout::kUserIdOffsets);
  write_ids(content.item_ids, layout::kItemIdBytes, layout::kItemIdOffsets);
  const RatingTable& table = content.ratings;
  const std::vector<std::int64_t> offsets = rating_offsets(comm, content);
  arrays.write(layout::kUserOffsets, std::span<const std::int64_t>(offsets));
  arrays.write(layout::kUserItem, std::span<const ItemId>(table.item));
  arrays.write(layout::kUserValue, std::span<const float>(table.value));
  arrays.write(layout::kUserPart, std::span<const std::uint8_t>(table.part));
  arrays.write(layout::kUserTimestamp, std::span<const std::int64_t>(table.timestamp));
  target.flush();  // rank 0 reads all of it for the checksums
  target.on_root([&] { write_header(target.temporary(), kDatasetFormatVersion, extents); });
  target.publish();
  return hash;
}

}  // namespace siren::inline data
