// SPDX-License-Identifier: Apache-2.0
#include "distributed/row_selection.hpp"

#include <gtest/gtest.h>

namespace siren::test {
namespace {

/// Offsets of rows with so many edges each.
std::vector<std::int64_t> offsets_of(const std::vector<std::int64_t>& lengths) {
  std::vector<std::int64_t> offsets{0};
  for (const std::int64_t length : lengths) offsets.push_back(offsets.back() + length);
  return offsets;
}

/// The rows that the tiles visit, in their order.
std::vector<std::int64_t> visited(const RowSelection& selection) {
  std::vector<std::int64_t> rows;
  for (std::size_t t = 0; t + 1 < selection.tiles.size(); ++t)
    for (std::int64_t run = selection.tiles[t]; run < selection.tiles[t + 1]; ++run) {
      const RowRange range = selection.runs[static_cast<std::size_t>(run)];
      for (std::int64_t row = range.begin; row < range.end; ++row) rows.push_back(row);
    }
  return rows;
}

TEST(RowSelection, AllRowsAreVisitedOnce) {
  const std::vector<std::int64_t> lengths = {3, 0, 9000, 1, 5000, 0};
  const RowSelection all = all_rows(offsets_of(lengths));
  EXPECT_EQ(visited(all), (std::vector<std::int64_t>{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(all.edges, 14004);
  EXPECT_GT(all.tiles.size(), 2U) << "long rows end a tile";
}

TEST(RowSelection, OfTheNeededRowsThoseOfTheSideInTheirOwnNumbering) {
  RowSelection selection;
  const std::vector<std::int64_t> offsets = offsets_of({1, 5000, 2, 0, 7});
  const std::vector<LocalRow> needed = {1, 9, 10, 11, 13, 14, 20};
  for (int again = 0; again < 2; ++again) {  // nothing of the last call stays
    select_rows(needed, {10, 15}, offsets, selection);
    EXPECT_EQ(visited(selection), (std::vector<std::int64_t>{0, 1, 3, 4}));
    EXPECT_EQ(selection.edges, 5008);
    EXPECT_EQ(selection.tiles.size(), 3U) << "the long row ends the first of two tiles";
  }
}

TEST(RowSelection, NothingNeededIsNoTile) {
  RowSelection selection;
  select_rows({}, {0, 3}, offsets_of({1, 1, 1}), selection);
  EXPECT_TRUE(visited(selection).empty());
  EXPECT_EQ(selection.edges, 0);
  EXPECT_TRUE(visited(all_rows({0})).empty());
}

}  // namespace
}  // namespace siren::test
