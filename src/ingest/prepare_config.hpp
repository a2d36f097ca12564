// SPDX-License-Identifier: Apache-2.0
// What `siren prepare` is asked to do.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "data/split.hpp"
#include "ingest/duplicates.hpp"
#include "ingest/ratings_format.hpp"
#include "ingest/ratings_loader.hpp"

namespace siren::inline ingest {

/// Exactly one of input, fold_files and train/test names the files. Split settings that are not
/// given take the defaults of SplitConfig; given ones must mean something for the chosen split.
struct PrepareConfig {
  std::vector<std::string> input;       // one data set in one or more files, to be split
  std::vector<std::string> fold_files;  // fold k = k-th file, two or more
  std::string train;                    // with test and, if wanted, valid
  std::string valid;
  std::string test;
  std::string output;

  RatingsFormat format;
  float offset = 3.5F;
  std::int64_t min_user_ratings = 0;
  std::int64_t min_item_ratings = 0;
  DuplicatePolicy duplicates = DuplicatePolicy::kError;

  std::optional<SplitMethod> split;  // only for input; default kKfold
  std::optional<std::int32_t> folds;
  std::optional<double> test_share;
  std::optional<double> valid_share;
  bool cut_per_user = false;
  std::optional<RatingOrder> order;  // only for kTemporal (not at random) and kLeaveOneOut
  std::uint32_t seed = 1;
  std::int64_t least_bytes = kLeastBytesPerRank;  // that a rank reads

  /// InputError naming the options that contradict each other, are missing or out of range.
  void validate() const;

  SplitKind kind_of_files() const;
  SplitConfig split_config() const;
};

}  // namespace siren::inline ingest
