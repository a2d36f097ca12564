// SPDX-License-Identifier: Apache-2.0
#include "io/plain_file.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "support/temp_folder.hpp"

namespace siren {
namespace {

using test::input_error;
using test::TempFolder;
using ::testing::HasSubstr;

TEST(PlainFile, ReadsAndWritesAnywhere) {
  const TempFolder folder;
  const std::string path = folder.write("f", "0123456789");
  const PlainFile file(path, PlainFile::Mode::kReadWrite);
  EXPECT_EQ(file.length(), 10);
  std::string piece(4, '-');
  EXPECT_EQ(file.read(piece.data(), 4, 3), 4U);
  EXPECT_EQ(piece, "3456");
  EXPECT_EQ(file.read(piece.data(), 4, 8), 2U);  // the end of the file
  EXPECT_EQ(piece, "8956");
  file.write("ab", 2, 1);
  EXPECT_EQ(folder.read("f"), "0ab3456789");
}

TEST(PlainFile, SaysWhatIsNoFile) {
  const TempFolder folder;
  EXPECT_THAT(input_error([&] { PlainFile(folder.path("none")); }),
              HasSubstr("none: No such file"));
  EXPECT_THAT(input_error([&] { PlainFile(folder.path("")).length(); }),
              HasSubstr("is a directory"));
}

TEST(PlainFile, WaitsForNobody) {
  const TempFolder folder;
  ASSERT_EQ(::mkfifo(folder.path("pipe").c_str(), 0600), 0);
  EXPECT_THAT(input_error([&] { PlainFile(folder.path("pipe")); }), HasSubstr("is a pipe"));
  EXPECT_THAT(input_error([] { PlainFile("/dev/zero"); }), HasSubstr("is a device"));
  EXPECT_THAT(input_error([&] { require_ordinary(folder.path("pipe")); }), HasSubstr("is a pipe"));
  EXPECT_THAT(input_error([] { require_ordinary("/dev/zero"); }), HasSubstr("is a device"));
  EXPECT_NO_THROW(require_ordinary(folder.path("none")));
}

TEST(PlainFile, ReadsSmallFilesOnly) {
  const TempFolder folder;
  EXPECT_EQ(read_small_file(folder.write("f", "0123456789"), 10), "0123456789");
  EXPECT_THAT(input_error([&] { read_small_file(folder.path("f"), 9); }), HasSubstr("f has 10"));
  EXPECT_THAT(input_error([] { read_small_file("/dev/zero", 9); }), HasSubstr("is a device"));
}

TEST(PlainFile, NamesTheFileThatCannotBeWritten) {
  const TempFolder folder;
  const std::string path = folder.write("f", "x");
  const PlainFile file(path);
  EXPECT_THROW(file.write("y", 1, 0), EnvironmentError);
  EXPECT_EQ(folder.read("f"), "x");
}

}  // namespace
}  // namespace siren
