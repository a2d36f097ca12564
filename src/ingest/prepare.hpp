// SPDX-License-Identifier: Apache-2.0
// From rating files to a data set in memory: read, number the ids, send ratings to the ranks that
// keep their users, order, settle duplicates, reduce to the core, split, count. The result is the
// same for any number of ranks.
//
//   PrepareConfig config;
//   config.input = {"ratings.csv"};
//   config.validate();
//   PreparedDataset data;
//   prepare_dataset(comm, config, data);
#pragma once

#include <string>
#include <vector>

#include "data/id_share.hpp"
#include "data/rating_table.hpp"
#include "data/split.hpp"
#include "data/statistics.hpp"
#include "ingest/duplicates.hpp"
#include "ingest/k_core.hpp"
#include "ingest/prepare_config.hpp"
#include "ingest/ratings_loader.hpp"
#include "siren/communicator.hpp"

namespace siren::inline ingest {

struct PreparedDataset {
  RatingTable ratings;  // of users.range(), sorted by (user, item, part), final indices
  bool timed = false;   // also where this rank has no rating
  IdShare users;
  IdShare items;
  SplitScheme split;
  SplitMethod split_method = SplitMethod::kFiles;
  SplitReport split_report;
  DatasetStatistics statistics;
  std::vector<FileReport> files;
  DuplicateReport duplicates;
  KCoreReport core;
  std::vector<std::string> warnings;  // sentences
};

/// Collective. `config` is valid. Deterministic; reads every file once, and plain ones that several
/// ranks share up to twice more to find where records begin (ingest/input_share.hpp). InputError for whatever is wrong with the files or
/// leaves nothing to train on; `data` then holds the warnings, for they may say why.
void prepare_dataset(const Communicator& comm, const PrepareConfig& config, PreparedDataset& data);
/// In one process.
PreparedDataset prepare_dataset(const PrepareConfig& config);

}  // namespace siren::inline ingest
