// SPDX-License-Identifier: Apache-2.0
// Writing of the dataset file (reading: io/dataset_file.hpp, format: data/README.md).
#pragma once

#include <string>

#include "siren/data/id_map.hpp"
#include "siren/data/rating_table.hpp"
#include "siren/data/split.hpp"
#include "siren/data/statistics.hpp"

namespace siren {

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

/// Writes under a temporary name beside `path`, flushes it to disk, renames. On failure nothing of
/// it remains. Returns the content hash. The same content gives the same bytes.
std::string write_dataset(const std::string& path, const DatasetContent& content);

/// InputError unless `path` can become a dataset file: its directory is writable, and what is there
/// under that name, if anything, is an earlier dataset file.
void require_writable_dataset(const std::string& path);

/// XXH3 128 over ids, ratings and split in canonical order, as 32 hex digits. Neither the offset
/// nor the command nor the program version takes part.
std::string content_hash(const DatasetContent& content);

}  // namespace siren
