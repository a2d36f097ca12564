// SPDX-License-Identifier: Apache-2.0
#include "data/rating_table.hpp"

#include <vector>

#include <gmock/gmock.h>

namespace siren {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(RatingTable, OrdersByKeyKeepingTheOrderWithin) {
  const std::vector<std::int32_t> key = {2, 0, 2, 3, 0};
  EXPECT_THAT(order_by_key(key, 5), ElementsAre(1, 4, 0, 2, 3));
  EXPECT_THAT(key_offsets(key, 5), ElementsAre(0, 2, 2, 4, 5, 5));
}

TEST(RatingTable, SelectsRowsOfAllColumns) {
  RatingTable table{{0, 1, 2}, {5, 6, 7}, {1.0F, 2.0F, 3.0F}, {0, 1, 2}, {10, 11, 12}};
  const std::vector<EdgeOffset> order = {2, 0};
  const RatingTable selected = select_rows(std::move(table), order);
  EXPECT_THAT(selected.user, ElementsAre(2, 0));
  EXPECT_THAT(selected.item, ElementsAre(7, 5));
  EXPECT_THAT(selected.value, ElementsAre(3.0F, 1.0F));
  EXPECT_THAT(selected.part, ElementsAre(2, 0));
  EXPECT_THAT(selected.timestamp, ElementsAre(12, 10));
}

TEST(RatingTable, MayHaveNoTimes) {
  RatingTable table{{0, 1}, {5, 6}, {1.0F, 2.0F}, {0, 1}, {}};
  const std::vector<EdgeOffset> order = {1};
  const RatingTable selected = select_rows(std::move(table), order);
  EXPECT_FALSE(selected.has_timestamps());
  EXPECT_THAT(selected.timestamp, IsEmpty());
  EXPECT_EQ(selected.size(), 1);
}

TEST(RatingTable, ADecimalOffsetEqualsTheSameDecimalRating) {
  EXPECT_EQ(sign_of(3.7F, 3.7F), 0);
  EXPECT_EQ(sign_of(3.8F, 3.7F), 1);
  EXPECT_EQ(sign_of(3.6F, 3.7F), -1);
}

TEST(RatingTable, KeepsPlacesWhereRowsGo) {
  RatingTable table;
  table.user = {7, 8, 9};
  table.item = {0, 0, 0};
  table.value = {1, 2, 3};
  table.part = {0, 0, 0};
  number_places(table);
  const std::vector<EdgeOffset> order = {2, 0};
  table = select_rows(std::move(table), order);
  EXPECT_THAT(table.place, ElementsAre(2, 0));
}

}  // namespace
}  // namespace siren
