// SPDX-License-Identifier: Apache-2.0
#include "distributed/row_selection.hpp"

#include <algorithm>
#include <numeric>

#include "math/parallel.hpp"

namespace siren::inline distributed {

namespace {

constexpr std::int64_t kEdgesPerTile = 4096;

}  // namespace

RowSelection all_rows(const std::vector<std::int64_t>& offsets) {
  const std::vector<std::int64_t> bounds = balanced_tiles(offsets, kEdgesPerTile);
  RowSelection all;
  all.edges = offsets.back();
  for (std::size_t t = 0; t + 1 < bounds.size(); ++t)
    all.runs.push_back({bounds[t], bounds[t + 1]});
  all.tiles.resize(bounds.size());
  std::iota(all.tiles.begin(), all.tiles.end(), std::int64_t{0});
  return all;
}

void select_rows(std::span<const LocalRow> needed, const RowRange& side,
                 const std::vector<std::int64_t>& offsets, RowSelection& selection) {
  selection.runs.clear();
  selection.tiles.assign(1, 0);
  selection.edges = 0;
  std::int64_t work = 0;  // of the present tile
  const auto end_tile = [&] {
    selection.tiles.push_back(std::ssize(selection.runs));
    work = 0;
  };
  auto at = std::lower_bound(needed.begin(), needed.end(), side.begin);
  for (; at != needed.end() && *at < side.end; ++at) {
    const std::int64_t row = *at - side.begin;
    const bool in_tile = selection.tiles.back() < std::ssize(selection.runs);
    if (in_tile && selection.runs.back().end == row)
      ++selection.runs.back().end;
    else
      selection.runs.push_back({row, row + 1});
    const std::int64_t edges =
        offsets[static_cast<std::size_t>(row) + 1] - offsets[static_cast<std::size_t>(row)];
    selection.edges += edges;
    work += 1 + edges;
    if (work >= kEdgesPerTile) end_tile();
  }
  if (work > 0) end_tile();
}

}  // namespace siren::inline distributed
