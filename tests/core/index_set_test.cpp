// SPDX-License-Identifier: Apache-2.0
#include "core/index_set.hpp"

#include <random>
#include <set>
#include <vector>

#include <gtest/gtest.h>

namespace siren {
namespace {

void expect_same(const IndexSet& set, const std::set<std::int64_t>& members,
                 std::int64_t universe) {
  ASSERT_EQ(set.size(), static_cast<std::int64_t>(members.size()));
  for (std::int64_t index = 0; index < universe; ++index)
    ASSERT_EQ(set.contains(index), members.count(index) == 1) << index << " of " << universe;
  std::int32_t number = 0;
  for (const std::int64_t member : members) EXPECT_EQ(set.number_of(member), number++) << member;
  std::vector<std::int64_t> visited;
  for (std::int64_t w = 0; w < set.words(); w += 3)
    set.for_each(w, std::min(w + 3, set.words()), [&](std::int64_t at, std::int64_t index) {
      EXPECT_EQ(at, static_cast<std::int64_t>(visited.size()));
      visited.push_back(index);
    });
  EXPECT_EQ(visited, std::vector<std::int64_t>(members.begin(), members.end()));
}

TEST(IndexSet, NumbersItsMembersAscendingWhateverTheOrderOfMarking) {
  std::mt19937 random(1);
  for (const std::int64_t universe : {1, 2, 63, 64, 65, 127, 128, 129, 1000, 4097}) {
    for (const double share : {0.0, 0.02, 0.5, 1.0}) {
      IndexSet set(universe);
      std::set<std::int64_t> members;
      std::uniform_int_distribution<std::int64_t> any(0, universe - 1);
      for (int n = 0; n < static_cast<int>(share * static_cast<double>(universe)); ++n) {
        const std::int64_t index = any(random);
        set.mark(index);
        set.mark(index);  // twice is once
        members.insert(index);
      }
      set.number_members();
      expect_same(set, members, universe);
    }
  }
}

TEST(IndexSet, HoldsTheWholeUniverse) {
  for (const std::int64_t universe : {1, 64, 65, 200}) {
    IndexSet set(universe);
    std::set<std::int64_t> all;
    for (std::int64_t index = universe - 1; index >= 0; --index) {
      set.mark(index);
      all.insert(index);
    }
    set.number_members();
    expect_same(set, all, universe);
  }
}

TEST(IndexSet, MayBeEmpty) {
  IndexSet nothing;
  nothing.number_members();
  expect_same(nothing, {}, 0);
  IndexSet unmarked(100);
  unmarked.number_members();
  expect_same(unmarked, {}, 100);
}

TEST(IndexSet, ClearForgetsEveryMember) {
  IndexSet set(300);
  for (std::int64_t index = 0; index < 300; index += 3) set.mark(index);
  set.number_members();
  set.clear();
  set.mark(299);
  set.mark(64);
  set.number_members();
  expect_same(set, {64, 299}, 300);
}

TEST(IndexSet, TakesOneAndAHalfBitsAnIndex) {
  EXPECT_EQ(IndexSet::bytes(6400), 6400 * 3 / 16 + 4);
}

}  // namespace
}  // namespace siren
