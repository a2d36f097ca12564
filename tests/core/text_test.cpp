// SPDX-License-Identifier: Apache-2.0
#include "core/text.hpp"

#include <limits>

#include <gtest/gtest.h>

namespace siren {
namespace {

TEST(HumanBytes, UsesPowersOf1000) {
  EXPECT_EQ(human_bytes(0), "0 B");
  EXPECT_EQ(human_bytes(512), "512 B");
  EXPECT_EQ(human_bytes(999), "999 B");
  EXPECT_EQ(human_bytes(1000), "1.0 kB");
  EXPECT_EQ(human_bytes(3'400'000), "3.4 MB");
  EXPECT_EQ(human_bytes(1'200'000'000), "1.2 GB");
  EXPECT_EQ(human_bytes(-1500), "-1.5 kB");
  EXPECT_EQ(human_bytes(std::numeric_limits<std::int64_t>::max()), "9223.4 PB");
}

TEST(HumanBytes, NeverRoundsUpToAThousand) {
  EXPECT_EQ(human_bytes(999'949), "999.9 kB");
  EXPECT_EQ(human_bytes(999'960), "1.0 MB");
  EXPECT_EQ(human_bytes(999'999'999), "1.0 GB");
}

TEST(Grouped, SeparatesThousands) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1000), "1,000");
  EXPECT_EQ(grouped(1'234'567), "1,234,567");
  EXPECT_EQ(grouped(-123), "-123");
  EXPECT_EQ(grouped(-123'456), "-123,456");
  EXPECT_EQ(grouped(std::numeric_limits<std::int64_t>::min()), "-9,223,372,036,854,775,808");
}

TEST(HumanSeconds, ChoosesTheUnit) {
  EXPECT_EQ(human_seconds(0.0), "0.0 s");
  EXPECT_EQ(human_seconds(0.84), "0.8 s");
  EXPECT_EQ(human_seconds(59.9), "59.9 s");
  EXPECT_EQ(human_seconds(65.0), "1 min 05 s");
  EXPECT_EQ(human_seconds(3599.0), "59 min 59 s");
  EXPECT_EQ(human_seconds(3599.7), "1 h 00 min");
  EXPECT_EQ(human_seconds(7980.0), "2 h 13 min");
}

TEST(ShellQuoted, LeavesPlainWordsAlone) {
  EXPECT_EQ(shell_quoted("runs/a-1_b.h5"), "runs/a-1_b.h5");
  EXPECT_EQ(shell_quoted(""), "''");
  EXPECT_EQ(shell_quoted("my run"), "'my run'");
  EXPECT_EQ(shell_quoted("it's $HOME"), "'it'\\''s $HOME'");
}

TEST(Printable, LeavesWhatOnlyShowsAlone) {
  for (const char* text : {"", "siren train --run 'a b'", "na\xC3\xAFve \xE2\x98\x83", "C:\\x1b",
                           "\xF0\x9F\x8E\xAC", "\xC2\xA0", "\xE2\x80\xA7\xE2\x80\xAF"})
    EXPECT_EQ(printable(text), text);
}

TEST(Printable, EscapesWhatSteersATerminal) {
  EXPECT_EQ(printable("\x1b[31mx\x7f"), "\\x1b[31mx\\x7f");
  EXPECT_EQ(printable(std::string_view("a\0b\tc\r\n", 7)), "a\\x00b\\x09c\\x0d\\x0a");
  EXPECT_EQ(printable("\xC2\x9B"
                      "31m\xC2\x80"),
            "\\u009b31m\\u0080");
  EXPECT_EQ(printable("\xE2\x80\xAE"
                      "fdp.x\xE2\x81\xA6\xE2\x80\xA8"),
            "\\u202efdp.x\\u2066\\u2028");
}

TEST(Printable, EscapesBytesThatAreNotUtf8) {
  EXPECT_EQ(printable("\xff"
                      "a\xC3"),
            "\\xffa\\xc3");
  EXPECT_EQ(printable("\x9B"
                      "31m"),
            "\\x9b31m");                                                      // C1 as one byte
  EXPECT_EQ(printable("\xC0\x9B\xED\xA0\x80"), "\\xc0\\x9b\\xed\\xa0\\x80");  // overlong, surrogate
}

TEST(PrintableLines, KeepsLineFeedsOnly) {
  EXPECT_EQ(printable_lines("a\nb\r\n\n\x1b"), "a\nb\\x0d\n\n\\x1b");
  EXPECT_EQ(printable_lines(""), "");
}

TEST(HumanSeconds, NeverRoundsUpTo60Seconds) {
  EXPECT_EQ(human_seconds(59.97), "1 min 00 s");
}

}  // namespace
}  // namespace siren
