// SPDX-License-Identifier: Apache-2.0
#include "siren/data/line_reader.hpp"

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

}  // namespace
}  // namespace siren
