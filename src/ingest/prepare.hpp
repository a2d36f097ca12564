// SPDX-License-Identifier: Apache-2.0
// From rating files to a data set in memory: read, number the ids, order, settle duplicates, reduce
// to the core, split, count.
//
//   PrepareConfig config;
//   config.input = {"ratings.csv"};
//   config.validate();
//   const PreparedDataset data = prepare_dataset(config);
#pragma once

#include <string>
#include <vector>

#include "data/id_map.hpp"
#include "data/rating_table.hpp"
#include "data/split.hpp"
#include "data/statistics.hpp"
#include "ingest/duplicates.hpp"
#include "ingest/k_core.hpp"
#include "ingest/prepare_config.hpp"
#include "ingest/ratings_loader.hpp"

namespace siren::inline ingest {

struct PreparedDataset {
  RatingTable ratings;  // sorted by (user, item, part), final indices
  IdTable users;
  IdTable items;
  SplitScheme split;
  SplitMethod split_method = SplitMethod::kFiles;
  SplitReport split_report;
  DatasetStatistics statistics;
  std::vector<FileReport> files;
  DuplicateReport duplicates;
  KCoreReport core;
  std::vector<std::string> warnings;  // sentences
};

/// `config` is valid. Deterministic; reads every file once. InputError for whatever is wrong with
/// the files or leaves nothing to train on.
PreparedDataset prepare_dataset(const PrepareConfig& config);
/// The same into `data`, which holds the warnings also if an InputError ends it: they may say why.
void prepare_dataset(const PrepareConfig& config, PreparedDataset& data);

}  // namespace siren::inline ingest
