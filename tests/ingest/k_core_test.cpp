// SPDX-License-Identifier: Apache-2.0
#include "ingest/k_core.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>

namespace siren {
namespace {

using ::testing::ElementsAre;

IdShare letters(std::int32_t count) {
  std::string bytes;
  std::vector<std::int64_t> offsets{0};
  for (std::int32_t i = 0; i < count; ++i) {
    bytes += static_cast<char>('a' + i);
    offsets.push_back(i + 1);
  }
  return IdShare(IdTable(bytes, offsets, false));
}

RatingTable ratings(std::vector<UserId> user, std::vector<ItemId> item) {
  RatingTable table;
  table.value.assign(user.size(), 1.0F);
  table.part.assign(user.size(), 0);
  table.user = std::move(user);
  table.item = std::move(item);
  return table;
}

TEST(KCore, RemovesInRoundsAndRenumbers) {
  // User 0 has one rating; without it item 0 has one; without that user 1 has one, and so on: only
  // users 3, 4 with items 2, 3 hold together.
  RatingTable table = ratings({0, 1, 1, 2, 2, 3, 3, 4, 4}, {0, 0, 1, 1, 2, 2, 3, 2, 3});
  IdShare users = letters(5);
  IdShare items = letters(4);
  const KCoreReport report = reduce_to_core(Communicator::alone(), table, users, items, 2, 2);
  EXPECT_THAT(table.user, ElementsAre(0, 0, 1, 1));
  EXPECT_THAT(table.item, ElementsAre(0, 1, 0, 1));
  EXPECT_EQ(users.at(0), "d");
  EXPECT_EQ(users.at(1), "e");
  EXPECT_EQ(items.at(0), "c");
  EXPECT_EQ(items.at(1), "d");
  EXPECT_EQ(report.removed_users, 3);
  EXPECT_EQ(report.removed_items, 2);
  EXPECT_EQ(report.removed_ratings, 5);
}

TEST(KCore, MayBeEmpty) {
  RatingTable table = ratings({0, 0, 1}, {0, 1, 0});
  IdShare users = letters(2);
  IdShare items = letters(2);
  reduce_to_core(Communicator::alone(), table, users, items, 2, 2);
  EXPECT_EQ(table.size(), 0);
  EXPECT_EQ(users.size(), 0);
  EXPECT_EQ(items.size(), 0);
}

TEST(KCore, LeavesEnoughAlone) {
  RatingTable table = ratings({0, 0, 1}, {0, 1, 0});
  IdShare users = letters(2);
  IdShare items = letters(2);
  EXPECT_EQ(reduce_to_core(Communicator::alone(), table, users, items, 1, 1).removed_ratings, 0);
  EXPECT_EQ(table.size(), 3);
}

TEST(KCore, EveryoneLeftHasEnough) {
  RatingTable table;
  for (std::int32_t user = 0; user < 26; ++user)
    for (std::int32_t item = 0; item < 26; ++item)
      if ((user * user + 3 * item * item + user * item) % 7 < 3 && item <= user + 9) {
        table.user.push_back(user);
        table.item.push_back(item);
        table.value.push_back(1.0F);
        table.part.push_back(0);
      }
  IdShare users = letters(26);
  IdShare items = letters(26);
  EXPECT_GT(reduce_to_core(Communicator::alone(), table, users, items, 7, 6).removed_ratings, 0);
  ASSERT_GT(table.size(), 0);
  const auto least = [](const std::vector<std::int32_t>& ids, std::int64_t count) {
    std::vector<std::int64_t> degree(static_cast<std::size_t>(count), 0);
    for (const std::int32_t id : ids) ++degree.at(static_cast<std::size_t>(id));
    return *std::min_element(degree.begin(), degree.end());
  };
  EXPECT_GE(least(table.user, users.size()), 7);
  EXPECT_GE(least(table.item, items.size()), 6);
}

}  // namespace
}  // namespace siren
