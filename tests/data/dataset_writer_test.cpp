// SPDX-License-Identifier: Apache-2.0
#include "data/dataset_writer.hpp"

#include <chrono>
#include <string>
#include <thread>

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "data/dataset_fixture.hpp"

namespace siren {
namespace {

using test::content_of;
using test::TempFolder;

TEST(DatasetWriter, SameContentGivesTheSameBytes) {
  const TempFolder folder;
  const PreparedDataset data = test::small_dataset(folder);
  write_dataset(folder.path("a.h5"), content_of(data));
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));  // HDF5 would keep times in seconds
  write_dataset(folder.path("b.h5"), content_of(data));
  EXPECT_EQ(folder.read("a.h5"), folder.read("b.h5"));
}

TEST(DatasetWriter, HashCoversContentAndNothingElse) {
  const TempFolder folder;
  PreparedDataset data = test::small_dataset(folder);
  const std::string hash = content_hash(Communicator::alone(), content_of(data));
  EXPECT_EQ(hash.size(), 32U);

  DatasetContent other_command = content_of(data);
  other_command.command = "something else";
  EXPECT_EQ(content_hash(Communicator::alone(), other_command), hash);

  data.ratings.value[1] += 1.0F;
  EXPECT_NE(content_hash(Communicator::alone(), content_of(data)), hash);
  data.ratings.value[1] -= 1.0F;
  data.split.seed = 99;
  EXPECT_NE(content_hash(Communicator::alone(), content_of(data)), hash)
      << "the validation share is drawn from the seed";
  data.split.seed = 3;
  data.ratings.part[0] = 2;
  EXPECT_NE(content_hash(Communicator::alone(), content_of(data)), hash);
}

TEST(DatasetWriter, LeavesNothingBehindWhenItFails) {
  const TempFolder folder;
  const PreparedDataset data = test::small_dataset(folder);
  const std::size_t before = folder.files();
  EXPECT_THROW(write_dataset(folder.path("no/such/d.h5"), content_of(data)), InputError);
  EXPECT_EQ(folder.files(), before);
}

TEST(DatasetWriter, TakesNoMoreSpaceThanItsBytes) {
  const TempFolder folder;
  const std::string path = test::small_file(folder);
  struct stat status {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_LT(status.st_blocks * 512, status.st_size + 8192);  // nothing of what was reserved
}

}  // namespace
}  // namespace siren
