// SPDX-License-Identifier: Apache-2.0
// Rows of one side of the graph that a layer computes, cut into tiles of similar work.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "siren/ids.hpp"

namespace siren::inline distributed {

struct RowSelection {
  std::vector<RowRange> runs;       // ranges of CSR rows, ascending
  std::vector<std::int64_t> tiles;  // bounds in runs, from 0
  std::int64_t edges = 0;           // of those rows
};

/// Every row of a CSR with these offsets; a run a tile.
RowSelection all_rows(const std::vector<std::int64_t>& offsets);

/// Of `needed` (owned rows, ascending) those in `side`; row side.begin is CSR row 0. Neighbouring
/// rows make a run. `selection` is overwritten and its memory reused.
void select_rows(std::span<const LocalRow> needed, const RowRange& side,
                 const std::vector<std::int64_t>& offsets, RowSelection& selection);

}  // namespace siren::inline distributed
