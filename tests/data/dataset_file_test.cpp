// SPDX-License-Identifier: Apache-2.0
#include "data/dataset_file.hpp"

#include <string>

#include <gmock/gmock.h>

#include "data/dataset_fixture.hpp"
#include "siren/version.hpp"

namespace siren {
namespace {

using test::input_error;
using test::small_file;
using test::TempFolder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(DatasetFile, GivesTheSummaryBack) {
  const TempFolder folder;
  const PreparedDataset data = test::small_dataset(folder);
  const std::string hash = write_dataset(folder.path("d.h5"), test::content_of(data));
  const DatasetFile file(folder.path("d.h5"));
  const DatasetSummary& summary = file.summary();
  EXPECT_EQ(summary.users, 3);
  EXPECT_EQ(summary.items, 3);
  EXPECT_EQ(summary.ratings, 5);
  EXPECT_EQ(summary.split.kind, SplitKind::kFolds);
  EXPECT_EQ(summary.split.folds, 2);
  EXPECT_EQ(summary.split.valid_share, 0.25);
  EXPECT_EQ(summary.split.seed, 3U);
  EXPECT_EQ(summary.split_method, "files");
  EXPECT_EQ(summary.offset, 3.5F);
  EXPECT_TRUE(summary.has_timestamps);
  EXPECT_TRUE(summary.user_ids_numeric);
  EXPECT_FALSE(summary.item_ids_numeric);
  EXPECT_EQ(summary.content_hash, hash);
  EXPECT_EQ(summary.program_version, kVersion);
  EXPECT_EQ(summary.command, "siren prepare x");
}

TEST(DatasetFile, GivesTheStatisticsBack) {
  const TempFolder folder;
  const PreparedDataset data = test::small_dataset(folder);
  write_dataset(folder.path("d.h5"), test::content_of(data));
  const DatasetFile file(folder.path("d.h5"));
  const DatasetStatistics& read = file.summary().statistics;
  ASSERT_EQ(read.by_part.size(), 2U);
  EXPECT_EQ(read.by_part[0].liked, 1);
  EXPECT_EQ(read.by_part[0].neither, 1);
  EXPECT_EQ(read.by_part[1].disliked, 1);
  ASSERT_EQ(read.by_fold.size(), 2U);
  EXPECT_EQ(read.by_fold[1].test_users_unseen, data.statistics.by_fold[1].test_users_unseen);
  EXPECT_EQ(read.histogram.size(), 5U);
  EXPECT_EQ(read.histogram[2].value, 3.5F);
  EXPECT_EQ(read.user_degree, data.statistics.user_degree);
  EXPECT_EQ(read.item_degree, data.statistics.item_degree);
  EXPECT_EQ(read.min_value, 1.0F);
  EXPECT_EQ(read.max_value, 5.0F);
}

TEST(DatasetFile, GivesRatings) {
  const TempFolder folder;
  const DatasetFile file(small_file(folder));
  EXPECT_THAT(file.user_offsets(0, 3), ElementsAre(0, 2, 4, 5));
  EXPECT_THAT(file.user_offsets(1, 2), ElementsAre(2, 4));
  const RatingSlab all = file.ratings(0, 5);
  EXPECT_THAT(all.item, ElementsAre(0, 2, 0, 1, 1));
  EXPECT_THAT(all.value, ElementsAre(1, 3.5F, 4, 5, 2));
  EXPECT_THAT(all.part, ElementsAre(1, 1, 2, 1, 2));
  EXPECT_THAT(file.ratings(2, 4).value, ElementsAre(4, 5));
  EXPECT_THAT(file.ratings(3, 3).item, IsEmpty());
}

TEST(DatasetFile, GivesIdsBack) {
  const TempFolder folder;
  const DatasetFile file(small_file(folder));
  EXPECT_THAT(file.user_ids(0, 3), ElementsAre("9", "10", "11"));
  EXPECT_THAT(file.user_ids(1, 2), ElementsAre("10"));
  EXPECT_THAT(file.item_ids(0, 3), ElementsAre("a", "b", "c"));
  EXPECT_THAT(file.item_ids(1, 1), IsEmpty());
  EXPECT_EQ(file.user_id_table().find("10"), 1);
  EXPECT_EQ(file.item_id_table().find("c"), 2);
  EXPECT_FALSE(file.item_id_table().find("z"));
}

TEST(DatasetFile, VerifiesItsContents) {
  const TempFolder folder;
  EXPECT_NO_THROW(DatasetFile(small_file(folder)).verify());
}

// Whatever happens to the file, one sentence says so: HDF5 never sees a byte that was not
// checked.
TEST(DatasetFile, DamageAnywhereIsAnInputError) {
  const TempFolder folder;
  const std::string path = small_file(folder);
  const std::string good = folder.read("d.h5");
  for (std::size_t at = 0; at < good.size(); at += 13) {
    std::string bad = good;
    bad[at] = static_cast<char>(~bad[at]);
    folder.write("d.h5", bad);
    EXPECT_THROW(DatasetFile(path).verify(), InputError) << at;
  }
  for (std::size_t length = 0; length < good.size(); length += 101) {
    folder.write("d.h5", good.substr(0, length));
    EXPECT_THROW(DatasetFile(path).verify(), InputError) << length;
  }
}

TEST(DatasetFile, RecognisesItsKind) {
  const TempFolder folder;
  EXPECT_TRUE(looks_like_dataset(small_file(folder)));
  EXPECT_FALSE(looks_like_dataset(folder.write("t", "text")));
  Hdf5File::create(folder.path("other.h5"), 0).close();
  EXPECT_FALSE(looks_like_dataset(folder.path("other.h5")));
  EXPECT_THAT(input_error([&] { DatasetFile(folder.path("other.h5")); }),
              HasSubstr("not a dataset"));
}

}  // namespace
}  // namespace siren
