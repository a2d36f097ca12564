// SPDX-License-Identifier: Apache-2.0
#include "data/id_map.hpp"

#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>

namespace siren {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> sorted_ids(std::vector<std::string> ids) {
  IdMap map;
  for (const std::string& id : ids) map.intern(id);
  const SortedIds sorted = map.sort();
  std::vector<std::string> result;
  for (std::int64_t i = 0; i < sorted.table.size(); ++i) result.emplace_back(sorted.table.at(i));
  for (std::size_t i = 0; i < ids.size(); ++i)
    EXPECT_EQ(result.at(static_cast<std::size_t>(sorted.rank[i])), ids[i]);
  return result;
}

TEST(IdMap, NumbersIdsInOrderOfAppearance) {
  IdMap map;
  EXPECT_EQ(map.intern("b"), 0);
  EXPECT_EQ(map.intern("a"), 1);
  EXPECT_EQ(map.intern("b"), 0);
  EXPECT_EQ(map.size(), 2);
  EXPECT_EQ(map.at(1), "a");
}

TEST(IdMap, TellsManyIdsApart) {
  // Around the length at which an id no longer fits the hash table itself.
  IdMap map;
  constexpr std::int32_t kIds = 50'000;
  const auto name = [](std::int32_t i) { return fmt::format("{:0{}}", i, 5 + i % 6); };
  for (std::int32_t i = 0; i < kIds; ++i) ASSERT_EQ(map.intern(name(i)), i);
  for (std::int32_t i = 0; i < kIds; ++i) ASSERT_EQ(map.intern(name(i)), i);
  for (std::int32_t i = 0; i < kIds; i += 997) EXPECT_EQ(map.at(i), name(i));
}

TEST(IdMap, TellsIdsOfOneHashWordApart) {
  IdMap map;
  const std::string zero(1, '\0');
  EXPECT_EQ(map.intern(""), 0);
  EXPECT_EQ(map.intern(zero), 1);
  EXPECT_EQ(map.intern(zero + zero), 2);
}

TEST(IdMap, SortsNumericallyOnlyPlainIntegers) {
  EXPECT_THAT(sorted_ids({"10", "9", "-3", "-20", "0"}), ElementsAre("-20", "-3", "0", "9", "10"));
  EXPECT_THAT(sorted_ids({"10", "9", "007"}), ElementsAre("007", "10", "9"));
  EXPECT_THAT(sorted_ids({"10", "9", "x"}), ElementsAre("10", "9", "x"));
  EXPECT_THAT(sorted_ids({"99999999999999999999999", "100000000000000000000000", "5"}),
              ElementsAre("5", "99999999999999999999999", "100000000000000000000000"));
}

TEST(IdMap, SortsBytewiseBeyondAscii) {
  EXPECT_THAT(sorted_ids({"\xc3\xa9", "z", "Z"}), ElementsAre("Z", "z", "\xc3\xa9"));
}

TEST(IdMap, KnowsPlainIntegers) {
  for (const char* id : {"0", "7", "-12", "10"}) EXPECT_TRUE(is_plain_integer(id)) << id;
  for (const char* id : {"", "-", "007", "-0", "+5", "1.5", "a17", "1 "})
    EXPECT_FALSE(is_plain_integer(id)) << id;
}

TEST(IdTable, FindsEveryIdAndNoOther) {
  for (const std::vector<std::string>& ids :
       {std::vector<std::string>{"3", "-7", "20"}, std::vector<std::string>{"b", "a", "20"}}) {
    IdMap map;
    for (const std::string& id : ids) map.intern(id);
    const SortedIds sorted = map.sort();
    for (std::size_t i = 0; i < ids.size(); ++i)
      EXPECT_EQ(sorted.table.find(ids[i]), sorted.rank[i]);
    for (const char* id : {"", "4", "c", "020", "-8", "999"})
      EXPECT_FALSE(sorted.table.find(id)) << id;
  }
}

TEST(IdTable, KeepsASubset) {
  IdMap map;
  for (const char* id : {"a", "bb", "c"}) map.intern(id);
  const std::vector<std::int32_t> kept = {0, 2};
  const IdTable subset = map.sort().table.subset(kept);
  EXPECT_EQ(subset.size(), 2);
  EXPECT_EQ(subset.at(0), "a");
  EXPECT_EQ(subset.at(1), "c");
}

}  // namespace
}  // namespace siren
