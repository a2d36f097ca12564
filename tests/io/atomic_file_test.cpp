// SPDX-License-Identifier: Apache-2.0
#include "io/atomic_file.hpp"

#include <csignal>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "support/temp_folder.hpp"

namespace siren {
namespace {

using test::input_error;
using test::TempFolder;
using ::testing::HasSubstr;

TEST(AtomicFile, AppearsWhenPublished) {
  const TempFolder folder;
  folder.write("out", "old");
  {
    AtomicFile file(folder.path("out"));
    std::ofstream(file.temporary()) << "new";
    EXPECT_EQ(folder.read("out"), "old");
    file.publish();
  }
  EXPECT_EQ(folder.read("out"), "new");
  EXPECT_EQ(folder.files(), 1U);
}

TEST(AtomicFile, LeavesNothingWhenNotPublished) {
  const TempFolder folder;
  {
    const AtomicFile file(folder.path("out"));
    std::ofstream(file.temporary()) << "half";
  }
  EXPECT_EQ(folder.files(), 0U);
}

TEST(AtomicFile, HoldsAText) {
  const TempFolder folder;
  folder.write("out", "something longer");
  write_text_file(folder.path("out"), "a\nb\n");
  EXPECT_EQ(folder.read("out"), "a\nb\n");
  EXPECT_EQ(folder.files(), 1U);
}

TEST(AtomicFile, RefusesPlacesThatCannotBeWritten) {
  const TempFolder folder;
  EXPECT_THAT(input_error([&] { AtomicFile(folder.path("no/such/folder")); }),
              HasSubstr("cannot write"));
  EXPECT_THAT(input_error([&] { AtomicFile(folder.path("")); }), HasSubstr("is a directory"));
}

TEST(AtomicFile, DoesNotReplaceAPipeOrDevice) {
  const TempFolder folder;
  ASSERT_EQ(::mkfifo(folder.path("pipe").c_str(), 0600), 0);
  EXPECT_THAT(input_error([&] { AtomicFile(folder.path("pipe")); }), HasSubstr("device or a pipe"));
  EXPECT_EQ(folder.files(), 1U) << "nothing beside it";
}

TEST(AtomicFile, ALinkStaysAndItsTargetIsReplaced) {
  const TempFolder folder;
  folder.write("target", "old");
  std::filesystem::create_symlink("target", folder.path("out"));
  write_text_file(folder.path("out"), "new");
  EXPECT_TRUE(std::filesystem::is_symlink(folder.path("out")));
  EXPECT_EQ(folder.read("target"), "new");
  EXPECT_EQ(folder.files(), 2U);
}

TEST(AtomicFile, ALinkIsReplacedIfThatIsAskedFor) {
  const TempFolder folder;
  folder.write("target", "old");
  std::filesystem::create_symlink("target", folder.path("out"));
  write_text_file(folder.path("out"), "new", Links::kReplace);
  EXPECT_FALSE(std::filesystem::is_symlink(folder.path("out")));
  EXPECT_EQ(folder.read("out"), "new");
  EXPECT_EQ(folder.read("target"), "old");
}

TEST(AtomicFile, APrivateFileStaysPrivate) {
  const TempFolder folder;
  const std::string path = folder.write("out", "old");
  ASSERT_EQ(::chmod(path.c_str(), 0600), 0);
  write_text_file(path, "new");
  struct stat status {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
}

TEST(AtomicFile, SaysWhyATextCannotBeWritten) {
  const TempFolder folder;
  const rlimit none{4096, RLIM_INFINITY};
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, SIG_IGN);
  ::setrlimit(RLIMIT_FSIZE, &none);
  try {
    write_text_file(folder.path("out"), std::string(10000, 'x'));
    ADD_FAILURE() << "no error";
  } catch (const EnvironmentError& error) {
    EXPECT_THAT(error.what(), HasSubstr("File too large"));
  }
  ::setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_EQ(folder.files(), 0U);
}

TEST(AtomicDirectory, AppearsWithItsFilesAndReplacesNothing) {
  const TempFolder folder;
  folder.write("out.tmp", "mine");
  {
    AtomicDirectory directory(folder.path("out/"));
    std::ofstream(directory.temporary() + "/part") << "text";
    EXPECT_FALSE(std::filesystem::exists(folder.path("out")));
    directory.publish();
  }
  EXPECT_EQ(folder.read("out/part"), "text");
  EXPECT_EQ(folder.read("out.tmp"), "mine");
  EXPECT_THAT(input_error([&] { AtomicDirectory(folder.path("out")); }),
              HasSubstr("there already"));
  {
    const AtomicDirectory directory(folder.path("other"));
    std::ofstream(directory.temporary() + "/part") << "text";
  }
  EXPECT_EQ(folder.files(), 2U);
}

/// rename() would put a directory in the place of an empty one.
TEST(AtomicDirectory, ReplacesNothingThatAppearedMeanwhile) {
  const TempFolder folder;
  AtomicDirectory directory(folder.path("out"));
  std::filesystem::create_directory(folder.path("out"));
  EXPECT_THAT(input_error([&] { directory.publish(); }), HasSubstr("there already"));
}

TEST(AtomicFile, FlushReportsFailure) {
  const TempFolder folder;
  EXPECT_THROW(flush_to_disk(folder.path("absent")), EnvironmentError);
  EXPECT_NO_THROW(flush_to_disk(folder.path("")));
}

}  // namespace
}  // namespace siren
