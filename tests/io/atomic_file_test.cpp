// SPDX-License-Identifier: Apache-2.0
#include "siren/io/atomic_file.hpp"

#include <fstream>

#include <gmock/gmock.h>
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

TEST(AtomicFile, FlushReportsFailure) {
  const TempFolder folder;
  EXPECT_THROW(flush_to_disk(folder.path("absent")), EnvironmentError);
  EXPECT_NO_THROW(flush_to_disk(folder.path("")));
}

}  // namespace
}  // namespace siren
