// SPDX-License-Identifier: Apache-2.0
#include "siren/data/number_text.hpp"

#include <cmath>

#include <gtest/gtest.h>

namespace siren {
namespace {

TEST(NumberText, ParsesFloatsToTheNearest) {
  EXPECT_EQ(parse_float("4"), 4.0F);
  EXPECT_EQ(parse_float("+1"), 1.0F);
  EXPECT_EQ(parse_float("-0.5"), -0.5F);
  EXPECT_EQ(parse_float("7.000000"), 7.0F);
  EXPECT_EQ(parse_float("3.7"), 3.7F);
  EXPECT_EQ(parse_float("1e-60"), 0.0F);
  EXPECT_FALSE(std::signbit(*parse_float("-0")));
}

TEST(NumberText, TakesTheWholeTextOrNothing) {
  for (const char* text : {"", "abc", "4x", "4 ", "+-1", "1,5", "0x10", "--1"})
    EXPECT_FALSE(parse_float(text)) << text;
}

TEST(NumberText, LeavesNonFiniteValuesToTheCaller) {
  EXPECT_TRUE(std::isnan(*parse_float("nan")));
  EXPECT_TRUE(std::isinf(*parse_float("-inf")));
  EXPECT_TRUE(std::isinf(*parse_float("1e60")));
}

TEST(NumberText, ParsesTimes) {
  EXPECT_EQ(parse_time("978300760"), 978300760);
  EXPECT_EQ(parse_time("978300760.9"), 978300760);
  EXPECT_EQ(parse_time("-1.5"), -2);
  EXPECT_EQ(parse_time("1970-01-02"), 86400);
  EXPECT_EQ(parse_time("2016-02-29 17:14:01"), 1456766041);
  EXPECT_EQ(parse_time("2016-02-29T17:14:01"), 1456766041);
}

TEST(NumberText, RefusesWhatIsNoTime) {
  for (const char* text : {"", "yesterday", "2015-02-29", "2016-02-29 25:00:00", "2016-02-29x",
                           "2016-02-29 17:14", "nan", "1e30"})
    EXPECT_FALSE(parse_time(text)) << text;
}

}  // namespace
}  // namespace siren
