// SPDX-License-Identifier: Apache-2.0
#include "distributed/row_set.hpp"

#include <gtest/gtest.h>

namespace siren::test {
namespace {

TEST(RowSet, SaysWhichMemberARowIs) {
  RowSet set{{1, 3, 4}, {}};
  set.place(6);
  EXPECT_EQ(set.places, (std::vector<std::int32_t>{-1, 0, -1, 1, 2, -1}));
}

TEST(RowSet, ForgetsTheRowsBefore) {
  RowSet set{{1, 3, 4}, {}};
  set.place(6);
  set.clear();
  EXPECT_EQ(set.size(), 0);
  EXPECT_EQ(set.places, std::vector<std::int32_t>(6, kNoPlace));
  set.rows = {0, 4};
  set.place(6);
  EXPECT_EQ(set.places, (std::vector<std::int32_t>{0, -1, -1, -1, 1, -1}));
}

TEST(RowSet, MayBeEmpty) {
  RowSet set;
  set.clear();
  set.place(2);
  EXPECT_EQ(set.places, (std::vector<std::int32_t>{-1, -1}));
  set.place(0);
  EXPECT_TRUE(set.places.empty());
}

}  // namespace
}  // namespace siren::test
