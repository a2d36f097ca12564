// SPDX-License-Identifier: Apache-2.0
#include "io/checksummed_header.hpp"

#include <string>

#include <gmock/gmock.h>

#include "support/temp_folder.hpp"

namespace siren {
namespace {

using test::TempFolder;
using ::testing::HasSubstr;

constexpr std::uint32_t kVersion = 1;

/// 100 bytes of structure around two extents and a header.
std::string file_with_header(const TempFolder& folder) {
  std::string bytes(kHeaderBytes, '\0');
  for (int i = 0; i < 100; ++i) bytes += static_cast<char>(i);
  std::string path = folder.write("f", bytes);
  write_header(path, kVersion,
               {{"second", {kHeaderBytes + 50, 20}, 0},
                {"first", {kHeaderBytes + 10, 30}, 0},
                {"nothing", {0, 0}, 0}});
  return path;
}

std::string verdict(const std::string& path) {
  try {
    check_extents(path, check_header(path, kVersion));
  } catch (const InputError& error) {
    return error.what();
  }
  return "fine";
}

TEST(ChecksummedHeader, AcceptsWhatItWrote) {
  const TempFolder folder;
  const std::string path = file_with_header(folder);
  EXPECT_TRUE(has_header(path));
  EXPECT_EQ(verdict(path), "fine");
  const auto extents = check_header(path, kVersion);
  ASSERT_EQ(extents.size(), 3U);
  EXPECT_EQ(extents[1].name, "first");
  EXPECT_EQ(extents[1].extent.offset, kHeaderBytes + 10);
}

TEST(ChecksummedHeader, FindsEveryChangedByte) {
  const TempFolder folder;
  const std::string path = file_with_header(folder);
  const std::string good = folder.read("f");
  for (std::size_t at = 0; at < good.size(); at += at < kHeaderBytes ? 7 : 1) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0x10);
    folder.write("f", bad);
    EXPECT_NE(verdict(path), "fine") << at;
  }
}

TEST(ChecksummedHeader, FindsEveryTruncation) {
  const TempFolder folder;
  const std::string path = file_with_header(folder);
  const std::string good = folder.read("f");
  for (std::size_t length = 0; length < good.size(); length += length < kHeaderBytes ? 97 : 1) {
    folder.write("f", good.substr(0, length));
    EXPECT_NE(verdict(path), "fine") << length;
  }
  folder.write("f", good + "x");
  EXPECT_THAT(verdict(path), HasSubstr("it has 4197 bytes instead of 4196"));
}

TEST(ChecksummedHeader, NamesTheDamagedExtent) {
  const TempFolder folder;
  const std::string path = file_with_header(folder);
  std::string bad = folder.read("f");
  bad[kHeaderBytes + 55] = 'x';
  folder.write("f", bad);
  EXPECT_NO_THROW(check_header(path, kVersion)) << "contents are checked on request only";
  EXPECT_THAT(verdict(path), HasSubstr("the contents of second do not match"));
}

TEST(ChecksummedHeader, DistrustsPlacesOutsideTheFile) {
  const TempFolder folder;
  const std::string path = file_with_header(folder);
  for (const FileExtent& place : {FileExtent{100, 10}, FileExtent{kHeaderBytes + 95, 10},
                                  FileExtent{std::int64_t{1} << 62, std::int64_t{1} << 62},
                                  FileExtent{kHeaderBytes + 15, 10}}) {
    write_header(path, kVersion, {{"first", {kHeaderBytes + 10, 10}, 0}, {"second", place, 0}});
    EXPECT_THAT(verdict(path), HasSubstr("its first block places")) << place.offset;
  }
}

TEST(ChecksummedHeader, TellsForeignFilesApart) {
  const TempFolder folder;
  EXPECT_THAT(verdict(folder.path("absent")), HasSubstr("cannot read"));
  EXPECT_THAT(verdict(folder.path("")), HasSubstr("is a directory"));
  EXPECT_THAT(verdict(folder.write("e", "")), HasSubstr("is empty"));
  EXPECT_THAT(verdict(folder.write("t", "1,2,3\n")), HasSubstr("is not a dataset file"));
  EXPECT_THAT(verdict(folder.write("h", "\x89HDF\r\n\x1a\n and more")),
              HasSubstr("is an HDF5 file, but not a dataset"));
  EXPECT_FALSE(has_header(folder.path("t")));
  EXPECT_FALSE(has_header(folder.path("absent")));
}

TEST(ChecksummedHeader, RefusesANewerVersionBeforeAnythingElse) {
  const TempFolder folder;
  const std::string path = file_with_header(folder);
  std::string newer = folder.read("f");
  newer[16] = 2;  // the version field; no checksum of ours would match any more
  folder.write("f", newer.substr(0, 2000));
  EXPECT_THAT(verdict(path), HasSubstr("has format version 2, this program reads up to 1"));
}

}  // namespace
}  // namespace siren
