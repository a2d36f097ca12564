// SPDX-License-Identifier: Apache-2.0
#include "ingest/line_reader.hpp"

#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "support/temp_folder.hpp"

namespace siren {
namespace {

using test::input_error;
using test::TempFolder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> lines_of(const std::string& path) {
  LineReader reader(path);
  std::vector<std::string> lines;
  for (std::string_view line; reader.next(line);) {
    lines.emplace_back(line);
    EXPECT_EQ(reader.line_number(), static_cast<std::int64_t>(lines.size()));
  }
  return lines;
}

TEST(LineReader, SplitsAtEveryKindOfLineEnd) {
  const TempFolder folder;
  EXPECT_THAT(lines_of(folder.write("a", "one\ntwo\r\n\nlast")),
              ElementsAre("one", "two", "", "last"));
  EXPECT_THAT(lines_of(folder.write("b", "one\ntwo\n")), ElementsAre("one", "two"));
  EXPECT_THAT(lines_of(folder.write("c", "\n")), ElementsAre(""));
}

TEST(LineReader, DropsAByteOrderMark) {
  const TempFolder folder;
  EXPECT_THAT(lines_of(folder.write("a", "\xef\xbb\xbfuser\nx")), ElementsAre("user", "x"));
}

TEST(LineReader, KeepsLinesWholeAcrossItsBuffer) {
  const TempFolder folder;
  std::vector<std::string> expected;
  std::string text;
  for (std::size_t i = 0; i < 40; ++i) {
    expected.emplace_back(i * 7919, static_cast<char>('a' + i % 26));
    text += expected.back() + '\n';
  }
  expected.emplace_back(3'000'000, 'z');
  text += expected.back();
  EXPECT_EQ(lines_of(folder.write("a", text)), expected);
  EXPECT_EQ(lines_of(folder.write_gzip("b", text)), expected);
}

TEST(LineReader, FindsALineEndOnTheEdgeOfItsBuffer) {
  const TempFolder folder;
  for (const std::size_t length : {(1U << 18) - 1, 1U << 18, (1U << 18) + 1}) {
    const std::string line(length, 'x');
    EXPECT_THAT(lines_of(folder.write("a", line + "\ny\n")), ElementsAre(line, "y")) << length;
  }
}

TEST(LineReader, RefusesBinaryContent) {
  const TempFolder folder;
  const std::string path = folder.write("bin", std::string_view("1,2,3\n\0\x01", 8));
  EXPECT_THAT(input_error([&] { lines_of(path); }), HasSubstr("bin is not a text file"));
}

TEST(LineReader, RefusesAnEndlessLine) {
  const TempFolder folder;
  const std::string path =
      folder.write("a", "1\n" + std::string(LineReader::kMaxLineBytes + 1, 'x') + "\n");
  EXPECT_THAT(input_error([&] { lines_of(path); }),
              HasSubstr("a:2: the line is longer than 64 MB"));
}

TEST(LineReader, NamesTheLineOfAZeroByte) {
  using namespace std::string_view_literals;
  const TempFolder folder;
  const auto error = [&](std::string_view text) {
    return input_error([&] { lines_of(folder.write("f", text)); });
  };
  EXPECT_THAT(error("1,2,3\n4,\0005,6\n7,8,9\n"sv), HasSubstr("line 2 has a zero byte"));
  EXPECT_THAT(error("\xef\xbb\xbf"
                    "1,2,\000\n"sv),
              HasSubstr("line 1 has a zero byte"));
  std::string text;  // beyond the first buffer
  for (int line = 1; line <= 100'000; ++line) text += "12345,67890,3\n";
  EXPECT_THAT(error(text + "1,2\n3" + std::string(1, '\0') + "4\n" + text),
              HasSubstr("line 100002 has a zero byte"));
}

TEST(LineReader, NamesWideTextAndHowToConvertIt) {
  using namespace std::string_view_literals;
  const TempFolder folder;
  const auto error = [&](const std::string& path) { return input_error([&] { lines_of(path); }); };
  EXPECT_THAT(
      error(folder.write("a b",
                         "\xff\xfe"
                         "1\0,\0"sv)),
      ::testing::AllOf(HasSubstr("is UTF-16 text"), HasSubstr("iconv -f UTF-16 -t UTF-8 '")));
  EXPECT_THAT(error(folder.write("f", "\xfe\xff\0001\0,"sv)), HasSubstr("is UTF-16 text"));
  EXPECT_THAT(error(folder.write("f", "\xff\xfe\0\0001\0\0\0"sv)), HasSubstr("is UTF-32 text"));
  EXPECT_THAT(error(folder.write("f", "\0\0\xfe\xff\0\0\0001"sv)), HasSubstr("is UTF-32 text"));
  EXPECT_THAT(error(folder.write_gzip("z",
                                      "\xff\xfe"
                                      "1\0,\0"sv)),
              HasSubstr("gzip -dc "));
}

TEST(LineReader, TellsHowALineEnded) {
  const TempFolder folder;
  LineReader reader(folder.write("a", "one\r\ntwo\n\r\nlast"));
  std::vector<std::string> ends;
  for (std::string_view line; reader.next(line);) ends.emplace_back(reader.line_end());
  EXPECT_THAT(ends, ElementsAre("\r\n", "\n", "\r\n", ""));
}

TEST(LineReader, ShowsWhatIsAhead) {
  const TempFolder folder;
  LineReader reader(folder.write("a", "one\ntwo\nthree"));
  EXPECT_EQ(reader.ahead(), "one\ntwo\nthree");
  std::string_view line;
  reader.next(line);
  EXPECT_EQ(reader.ahead(), "two\nthree");
}

}  // namespace
}  // namespace siren
