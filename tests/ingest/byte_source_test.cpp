// SPDX-License-Identifier: Apache-2.0
#include "ingest/byte_source.hpp"

#include <array>
#include <fstream>
#include <string>
#include <thread>

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "support/temp_folder.hpp"

namespace siren {
namespace {

using test::input_error;
using test::TempFolder;
using ::testing::HasSubstr;

std::string read_all(const std::string& path) {
  ByteSource source(path);
  std::string all;
  std::array<char, 1000> piece{};  // smaller than the source's own blocks
  while (const std::size_t got = source.read(piece)) all.append(piece.data(), got);
  return all;
}

/// Hardly compressible, several blocks long.
std::string long_text() {
  std::string text;
  std::uint32_t state = 1;
  for (int i = 0; i < 700'000; ++i) {
    state = state * 1664525U + 1013904223U;
    text += static_cast<char>('!' + (state >> 24) % 90);
  }
  return text;
}

TEST(ByteSource, ReadsPlainFiles) {
  const TempFolder folder;
  const std::string text = long_text();
  EXPECT_EQ(read_all(folder.write("plain", text)), text);
}

TEST(ByteSource, ReadsGzipWhateverItsName) {
  const TempFolder folder;
  const std::string text = long_text();
  EXPECT_EQ(read_all(folder.write_gzip("no-suffix", text)), text);
}

TEST(ByteSource, ReadsGzipOfSeveralMembers) {
  const TempFolder folder;
  folder.write_gzip("a", "first ");
  folder.write_gzip("b", "second");
  EXPECT_EQ(read_all(folder.write("both.gz", folder.read("a") + folder.read("b"))), "first second");
}

TEST(ByteSource, ReadsPipes) {
  const TempFolder folder;
  ASSERT_EQ(::mkfifo(folder.path("pipe").c_str(), 0600), 0);
  std::thread writer([&] { std::ofstream(folder.path("pipe")) << "through a pipe"; });
  EXPECT_EQ(read_all(folder.path("pipe")), "through a pipe");
  writer.join();
}

TEST(ByteSource, NamesWhatIsNotAFileOfText) {
  const TempFolder folder;
  EXPECT_THAT(input_error([&] { read_all(folder.path("absent")); }),
              HasSubstr("absent: No such file"));
  EXPECT_THAT(input_error([&] { read_all(folder.path("")); }), HasSubstr("is a directory"));
  EXPECT_EQ(read_all(folder.write("none", "")), "");
  EXPECT_THAT(input_error([&] { read_all(folder.write("z", "PK\x03\x04...")); }),
              HasSubstr("is a zip archive"));
}

TEST(ByteSource, FindsTruncatedGzipAtEveryLength) {
  const TempFolder folder;
  folder.write_gzip("whole", "a ratings file of some length, to be cut anywhere");
  const std::string whole = folder.read("whole");
  for (std::size_t length = 2; length < whole.size(); ++length) {
    const std::string path = folder.write("cut.gz", whole.substr(0, length));
    EXPECT_THAT(input_error([&] { read_all(path); }), HasSubstr("cut.gz is truncated")) << length;
  }
}

TEST(ByteSource, FindsCorruptGzip) {
  const TempFolder folder;
  folder.write_gzip("whole", long_text());
  std::string bytes = folder.read("whole");
  const std::string with_tail = bytes + "tail";
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 0x55);
  EXPECT_THAT(input_error([&] { read_all(folder.write("bad.gz", bytes)); }),
              HasSubstr("bad.gz is damaged"));
  EXPECT_THAT(input_error([&] { read_all(folder.write("tail.gz", with_tail)); }),
              HasSubstr("bytes follow the end"));
}

TEST(ByteSource, IgnoresZerosBehindGzip) {
  const TempFolder folder;
  folder.write_gzip("whole", "some ratings");
  const std::string bytes = folder.read("whole");
  for (const std::size_t zeros : {1UL, 512UL, 600'000UL})  // within a block, beyond a block
    EXPECT_EQ(read_all(folder.write("tape.gz", bytes + std::string(zeros, '\0'))), "some ratings")
        << zeros;
  const std::string damaged = bytes + std::string(600'000, '\0') + bytes;
  EXPECT_THAT(input_error([&] { read_all(folder.write("bad.gz", damaged)); }),
              HasSubstr("bytes follow the end"));
}

}  // namespace
}  // namespace siren
