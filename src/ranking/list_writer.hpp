// SPDX-License-Identifier: Apache-2.0
// Ranked lists with original ids as CSV, JSON lines or HDF5 (formats: data/README.md). The bytes do
// not depend on the number of ranks.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "data/dataset_file.hpp"
#include "ranking/ranked_lists.hpp"
#include "siren/communicator.hpp"
#include "siren/named_enum.hpp"

namespace siren::inline ranking {

inline constexpr std::int64_t kListFormatVersion = 1;

enum class ListFormat { kCsv, kJsonl, kHdf5 };
constexpr std::array<std::string_view, 3> enum_names(ListFormat) {
  return {"csv", "jsonl", "hdf5"};
}

enum class ListKind { kRecommended, kSimilar };

struct ListOutput {
  std::string path;  // empty: standard output, for the texts
  ListFormat format = ListFormat::kCsv;
  /// CSV: an id that a spreadsheet would take for a formula has an apostrophe before it.
  bool spreadsheet_safe = false;
  /// Beside each score P(liked | engaged), of a factored model; none for cold users.
  bool with_liked = false;
};

/// Collective. The queries must ascend with the rank (partition `block`). Ids are written as they
/// are, but a terminal gets them so that they cannot steer it.
void write_lists(const Communicator& comm, const RankedLists& lists, ListKind kind,
                 const DatasetFile& dataset, const ListOutput& output);

}  // namespace siren::inline ranking
