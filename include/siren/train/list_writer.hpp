// SPDX-License-Identifier: Apache-2.0
// Ranked lists with original ids as CSV, JSON lines or HDF5 (formats: data/README.md). The bytes do
// not depend on the number of ranks.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "siren/comm/communicator.hpp"
#include "siren/io/dataset_file.hpp"
#include "siren/train/ranked_lists.hpp"

namespace siren {

inline constexpr std::int64_t kListFormatVersion = 1;

enum class ListFormat { kCsv, kJsonl, kHdf5 };
std::string_view name_of(ListFormat format);
std::optional<ListFormat> list_format_from(std::string_view name);

enum class ListKind { kRecommended, kSimilar };

/// Collective. The queries must ascend with the rank (partition `block`). An empty path is standard
/// output, for the texts.
void write_lists(const Communicator& comm,
                 const RankedLists& lists,
                 ListKind kind,
                 const DatasetFile& dataset,
                 const std::string& path,
                 ListFormat format);

}  // namespace siren
