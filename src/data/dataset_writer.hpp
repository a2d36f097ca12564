// SPDX-License-Identifier: Apache-2.0
// Writing of the dataset file (reading: data/dataset_file.hpp, format: data/README.md).
#pragma once

#include <string>

#include "data/id_map.hpp"
#include "data/rating_table.hpp"
#include "data/split.hpp"
#include "data/statistics.hpp"
#include "io/atomic_file.hpp"

namespace siren::inline data {

/// One data set on its way to disk. Borrowed; sorted as RatingTable promises.
struct DatasetContent {
  const RatingTable& ratings;
  const IdTable& user_ids;
  const IdTable& item_ids;
  const DatasetStatistics& statistics;
  SplitScheme split;
  SplitMethod split_method = SplitMethod::kFiles;
  std::string command;  // the exact command line
};

/// Writes and publishes. Returns the content hash. The same content gives the same bytes.
std::string write_dataset(AtomicFile& target, const DatasetContent& content);
/// On failure nothing of the file remains.
std::string write_dataset(const std::string& path, const DatasetContent& content);

/// XXH3 128 over ids, ratings and split in canonical order, as 32 hex digits. Neither the offset
/// nor the command nor the program version takes part.
std::string content_hash(const DatasetContent& content);

}  // namespace siren::inline data
