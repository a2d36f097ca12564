// SPDX-License-Identifier: Apache-2.0
#include "ingest/shown_text.hpp"

#include <vector>

#include <gtest/gtest.h>

namespace siren {
namespace {

TEST(ShownText, KeepsWhatFits) {
  EXPECT_EQ(shown("", 5), "");
  EXPECT_EQ(shown("12345", 5), "12345");
  EXPECT_EQ(shown("123456", 5), "12...");
}

TEST(ShownText, NeverCutsInsideACharacter) {
  const std::string_view text =
      "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x8e\xb5zzzzzzzz";  // 1, 2, 3, 4 bytes
  for (const auto& [most, kept] : std::vector<std::pair<std::size_t, std::size_t>>{
           {4, 1}, {5, 1}, {6, 3}, {8, 3}, {9, 6}, {12, 6}, {13, 10}, {14, 11}})
    EXPECT_EQ(shown(text, most), std::string(text.substr(0, kept)) + "...") << most;
}

TEST(ShownText, CutsBytesThatAreNoUtf8AllTheSame) {
  const std::string text(100, '\x80');
  EXPECT_EQ(shown(text, 50).size(), 47U);  // no further back than a character is long
}

TEST(ShownText, CutsLists) {
  const std::vector<std::string_view> names(100'000, "name");
  EXPECT_EQ(shown_list(std::vector<std::string_view>{"a", "b"}), "a, b");
  EXPECT_EQ(shown_list(names).size(), kMostShown);
}

}  // namespace
}  // namespace siren
