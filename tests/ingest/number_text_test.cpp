// SPDX-License-Identifier: Apache-2.0
#include "ingest/number_text.hpp"

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
  EXPECT_EQ(parse_time("2016-02-29 17:14"), 1456766040);
}

TEST(NumberText, RefusesWhatIsNoTime) {
  for (const char* text :
       {"", "yesterday", "2015-02-29", "2016-02-29 25:00:00", "2016-02-29x",
        "2016-02-29T17:14:01+2:00", "2016-02-29T17:14:01.", "2016-02-29T17:14:01ZZ",
        "2016-02-29T17:14:01+25", "2016-02-29Z", "2016-02-29T17", "nan", "1e30"})
    EXPECT_FALSE(parse_time(text)) << text;
}

TEST(NumberText, ParsesTheFormsOfIso8601) {
  constexpr std::int64_t kNoon = 1'456'747'200;  // 2016-02-29 12:00 UTC
  for (const char* text :
       {"2016-02-29T12:00:00Z", "2016-02-29t12:00:00z", "2016-02-29 12:00:00 UTC",
        "2016-02-29T12:00:00.999Z", "2016-02-29T12:00:00,5", "2016-02-29T14:00:00+02:00",
        "2016-02-29T14:00:00.123456+0200", "2016-02-29 14:00:00+02", "2016-02-29 14:00:00 +0200",
        "2016-02-29T06:30:00-05:30", "2016-02-29T12:00Z"})
    EXPECT_EQ(parse_time(text), kNoon) << text;
  EXPECT_EQ(parse_time("1969-12-31T23:59:59.5Z"), -1) << "rounded down";
}

TEST(NumberText, ReadsDecimalCommasWhereTheyAreMeant) {
  EXPECT_EQ(parse_float("3,5", ','), 3.5F);
  EXPECT_EQ(parse_float("-12", ','), -12.0F);
  for (const char* text : {"3.5", "1.234,5", "1,234,5", ",", ""})
    EXPECT_FALSE(parse_float(text, ',')) << text;
  EXPECT_EQ(parse_time("1500000000,75", ','), 1'500'000'000);
  EXPECT_EQ(parse_time("1970-01-02", ','), 86'400);
}

TEST(NumberText, TellsTimesFromOtherNumbers) {
  for (const char* text : {"978300760", "1500000000", "1500000000123", "1500000000123456",
                           "1500000000.25", "2016-02-29", "2016-02-29T12:00:00Z"})
    EXPECT_TRUE(looks_like_time(text)) << text;
  for (const char* text : {"", "5", "20160229", "12345678", "-1500000000", "word", "9999999999"})
    EXPECT_FALSE(looks_like_time(text)) << text;
}

}  // namespace
}  // namespace siren
