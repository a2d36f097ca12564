// SPDX-License-Identifier: Apache-2.0
// A data set in words and in JSON, as `prepare` and `info` print it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "data/dataset_file.hpp"
#include "ingest/prepare.hpp"

namespace siren::inline observe {

// What `info` says of a data set beyond its stored statistics: one pass over its ratings, pictures
// of the distributions, and warnings.

inline constexpr std::size_t kDegreeBins = 64;

struct DatasetDetails {
  /// Users (items) with 0 ratings, then with 1, 2 to 3, 4 to 7, ...
  std::array<std::int64_t, kDegreeBins> users_by_degree{};
  std::array<std::int64_t, kDegreeBins> items_by_degree{};
  std::int64_t users_only_liking = 0;     // of those with ratings that have a sign
  std::int64_t users_only_disliking = 0;  // likewise
  EdgeOffset repeated_pairs = 0;          // (user, item) pairs with more than one rating
};

/// Reads all ratings, a few at a time.
DatasetDetails look_into(const DatasetFile& data);

/// What a person should know before trusting figures: a sentence each.
std::vector<std::string> dataset_warnings(const DatasetSummary& summary,
                                          const DatasetDetails& details);

/// Several lines: histograms of ratings and degrees, balance of the signs, warnings.
std::string describe_details(const DatasetSummary& summary, const DatasetDetails& details);

/// To be added to dataset_as_json().
nlohmann::ordered_json details_as_json(const DatasetSummary& summary,
                                       const DatasetDetails& details);

/// Several lines: sizes, signs at the offset, parts or folds, degrees.
std::string describe_dataset(const DatasetSummary& summary);

/// Several lines: files as understood, duplicates, k-core, the order behind a split.
std::string describe_preparation(const PreparedDataset& data, DuplicatePolicy policy);

/// One JSON object (keys: README, "info --json").
nlohmann::ordered_json dataset_as_json(const DatasetSummary& summary, const std::string& path);

}  // namespace siren::inline observe
