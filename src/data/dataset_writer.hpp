// SPDX-License-Identifier: Apache-2.0
// Writing of the dataset file (reading: data/dataset_file.hpp, format: data/README.md).
#pragma once

#include <string>

#include "data/id_share.hpp"
#include "data/rating_table.hpp"
#include "data/split.hpp"
#include "data/statistics.hpp"
#include "io/shared_file.hpp"
#include "siren/communicator.hpp"

namespace siren::inline data {

/// One data set on its way to disk. Borrowed; sorted as RatingTable promises. Each rank has the
/// ratings of user_ids.range().
struct DatasetContent {
  const RatingTable& ratings;
  const IdShare& user_ids;
  const IdShare& item_ids;
  const DatasetStatistics& statistics;
  SplitScheme split;
  SplitMethod split_method = SplitMethod::kFiles;
  std::string command;  // the exact command line
};

/// Writes and publishes: all ranks at once, each where its part lies. Returns the content hash. The
/// same content gives the same bytes, whoever has what. Collective; fails as SharedFile.
std::string write_dataset(const Communicator& comm, SharedFile& target,
                          const DatasetContent& content);
/// In one process. On failure nothing of the file remains.
std::string write_dataset(const std::string& path, const DatasetContent& content);

/// XXH3 128 over ids, ratings and split in canonical order, as 32 hex digits. Neither the offset
/// nor the command nor the program version takes part. Collective.
std::string content_hash(const Communicator& comm, const DatasetContent& content);

}  // namespace siren::inline data
