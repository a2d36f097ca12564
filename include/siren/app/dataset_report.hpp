// SPDX-License-Identifier: Apache-2.0
// A data set in words and in JSON, as `prepare` and `info` print it.
#pragma once

#include <cstdint>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "siren/data/prepare.hpp"
#include "siren/io/dataset_file.hpp"

namespace siren::inline app {

/// Several lines: sizes, signs at the offset, parts or folds, degrees.
std::string describe_dataset(const DatasetSummary& summary);

/// Several lines: files as understood, duplicates, k-core, the order behind a split.
std::string describe_preparation(const PreparedDataset& data, DuplicatePolicy policy);

/// One JSON object (keys: README, "info --json").
nlohmann::ordered_json dataset_as_json(const DatasetSummary& summary, const std::string& path);

}  // namespace siren::inline app
