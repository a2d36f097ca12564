// SPDX-License-Identifier: Apache-2.0
#include "math/grouping.hpp"

#include <gtest/gtest.h>

namespace siren::test {
namespace {

TEST(Grouping, KeepsTheOrderWithinAKey) {
  Grouping grouping;
  for (const auto& keys :
       {std::vector<std::int32_t>{3, 0, 3, 1, 0, 3}, std::vector<std::int32_t>{2},
        std::vector<std::int32_t>{}}) {  // nothing of a larger one is left
    constexpr std::int64_t kGroups = 5;
    grouping.sort(keys, kGroups);
    std::int64_t begin = 0;
    for (std::int32_t key = 0; key < kGroups; ++key) {
      std::vector<std::int32_t> expected;
      for (std::size_t n = 0; n < keys.size(); ++n)
        if (keys[n] == key) expected.push_back(static_cast<std::int32_t>(n));
      EXPECT_EQ(grouping.begin(key), begin);
      ASSERT_EQ(grouping.count(key), std::ssize(expected));
      const auto of_key = grouping.members().subspan(as_index(begin), expected.size());
      EXPECT_EQ(std::vector<std::int32_t>(of_key.begin(), of_key.end()), expected);
      begin += grouping.count(key);
    }
    EXPECT_EQ(std::ssize(grouping.members()), begin);
  }
}

}  // namespace
}  // namespace siren::test
