// SPDX-License-Identifier: Apache-2.0
// The file `siren prepare` makes and every other command reads (format: data/README.md).
//
//   const DatasetFile data("ml1m.h5");                    // any rank, serially, read-only
//   const std::vector<EdgeOffset> at = data.user_offsets(first, last);
//   const RatingSlab mine = data.ratings(at.front(), at.back());
//
// Reading never communicates: each rank takes the slabs it needs. A file that is missing, not ours,
// damaged or of a newer format is an InputError; one that fails to read is an EnvironmentError. That
// its checksums match is no reason to believe it (data/dataset_checks.hpp): shapes and counts are
// checked when it is opened, the numbers of a slab when it is read.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/id_map.hpp"
#include "data/rating_table.hpp"
#include "data/split.hpp"
#include "data/statistics.hpp"
#include "io/checksummed_header.hpp"
#include "io/hdf5_file.hpp"
#include "io/plain_file.hpp"
#include "siren/ids.hpp"

namespace siren::inline data {

inline constexpr std::uint32_t kDatasetFormatVersion = 2;

/// Everything but the ratings and the ids.
struct DatasetSummary {
  std::int64_t format_version = kDatasetFormatVersion;
  std::int64_t users = 0;
  std::int64_t items = 0;
  EdgeOffset ratings = 0;
  SplitScheme split;
  std::string split_method;  // name_of(SplitMethod)
  float offset = 3.5F;       // the default that `train --offset` may change
  bool has_timestamps = false;
  bool user_ids_numeric = false;  // the order of the ids: numeric, else bytewise
  bool item_ids_numeric = false;
  DatasetStatistics statistics;
  std::string content_hash;  // 32 hex digits over ids, ratings and split
  std::string program_version;
  std::string command;  // the exact command line that made the file
};

/// Ratings in user-major order: sorted by (user, item).
struct RatingSlab {
  std::vector<ItemId> item;
  std::vector<float> value;
  std::vector<std::uint8_t> part;
};

/// True if the file begins like a dataset file of any version.
bool looks_like_dataset(const std::string& path);

class DatasetFile {
 public:
  /// Checks length, format and metadata checksum before HDF5 sees the file.
  explicit DatasetFile(const std::string& path);

  const DatasetSummary& summary() const { return summary_; }
  const std::string& path() const { return path_; }
  /// The HDF5 file itself, to copy parts of it (names: data/dataset_layout.hpp).
  const Hdf5File& contents() const { return file_; }

  /// Recomputes the checksums of all contents, and looks where each id begins; InputError naming
  /// the part that is damaged.
  void verify() const;
  /// EnvironmentError if the file was overwritten in place since it was opened: what was read since
  /// then may be of another data set. A file that was replaced is still read as it was.
  void check_unchanged() const;

  /// Where the ratings of users [begin, end) lie in user-major order: [end - begin + 1].
  std::vector<EdgeOffset> user_offsets(std::int64_t begin, std::int64_t end) const;

  /// Positions [begin, end) of the user-major order.
  RatingSlab ratings(EdgeOffset begin, EdgeOffset end) const;
  /// Those of consecutive users, whose user_offsets() are given; of each sorted by item and part.
  RatingSlab ratings_of(std::span<const EdgeOffset> offsets) const;

  /// Original ids of the users (items) [begin, end).
  std::vector<std::string> user_ids(std::int64_t begin, std::int64_t end) const;
  std::vector<std::string> item_ids(std::int64_t begin, std::int64_t end) const;

  /// All ids with lookup by name, in memory: O(users) or O(items) bytes.
  IdTable user_id_table() const;
  IdTable item_id_table() const;

 private:
  std::string path_;
  std::vector<ChecksummedExtent>
      extents_;  // declared before file_: checked before HDF5 sees the file
  Hdf5File file_;
  FileState opened_;  // before anything is verified or read
  DatasetSummary summary_;
};

}  // namespace siren::inline data
