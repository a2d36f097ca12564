// SPDX-License-Identifier: Apache-2.0
#include "ingest/prepare.hpp"

#include <filesystem>
#include <string>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "support/temp_folder.hpp"

namespace siren {
namespace {

using test::input_error;
using test::TempFolder;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// Shared data sets beside the source tree, if there are any.
std::filesystem::path shared_data(const std::string& name) {
  return std::filesystem::path(SIREN_SOURCE_DIR) / ".." / "shared" / "data" / name;
}

PrepareConfig config_for(std::vector<std::string> input) {
  PrepareConfig config;
  config.input = std::move(input);
  config.output = "unused.h5";
  return config;
}

TEST(Prepare, SortsByUserAndItem) {
  const TempFolder folder;
  PrepareConfig config = config_for({folder.write("a", "2,7,4\n10,7,1\n2,3,5\n10,1,4\n")});
  config.folds = 2;
  const PreparedDataset data = prepare_dataset(config);
  EXPECT_THAT(data.ratings.user, ElementsAre(0, 0, 1, 1));
  EXPECT_THAT(data.ratings.item, ElementsAre(1, 2, 0, 2));
  EXPECT_THAT(data.ratings.value, ElementsAre(5, 4, 4, 1));
  EXPECT_EQ(data.users.at(1), "10");
  EXPECT_EQ(data.split.folds, 2);
}

TEST(Prepare, RefusesDuplicatesAndSaysWhere) {
  const TempFolder folder;
  const PrepareConfig config =
      config_for({folder.write("a", "1,1,5\n1,2,3\n1,1,2\n2,2,4\n1,2,3\n")});
  const std::string error = input_error([&] { prepare_dataset(config); });
  EXPECT_THAT(error, HasSubstr("2 (user, item) pairs are rated more than once, 1 of them"));
  EXPECT_THAT(error, HasSubstr("user 1, item 1 ("));
  EXPECT_THAT(error, HasSubstr("a:1 and "));
  EXPECT_THAT(error, HasSubstr("a:3)"));
  EXPECT_THAT(error, HasSubstr("--duplicates last"));
}

TEST(Prepare, FoldFilesAreOneSetAndPartFilesAreNot) {
  const TempFolder folder;
  const std::string first = folder.write("a", "1,1,5\n1,2,4\n");
  const std::string second = folder.write("b", "1,1,5\n2,2,4\n");
  PrepareConfig folds;
  folds.fold_files = {first, second};
  EXPECT_THAT(input_error([&] { prepare_dataset(folds); }), HasSubstr("rated more than once"));
  folds.duplicates = DuplicatePolicy::kLast;
  EXPECT_THAT(prepare_dataset(folds).ratings.part, ElementsAre(2, 1, 2));

  PrepareConfig parts;
  parts.train = first;
  parts.test = second;
  const PreparedDataset data = prepare_dataset(parts);
  EXPECT_THAT(data.ratings.part, ElementsAre(0, 2, 0, 2));
  EXPECT_EQ(data.statistics.by_fold[0].pairs_in_both, 1);
}

TEST(Prepare, RefusesAnEmptyCore) {
  const TempFolder folder;
  PrepareConfig config = config_for({folder.write("a", "1,1,5\n1,2,3\n2,2,4\n")});
  config.min_user_ratings = 3;
  EXPECT_THAT(input_error([&] { prepare_dataset(config); }), HasSubstr("no rating is left"));
}

TEST(Prepare, RefusesAFoldThatTheCoreEmptied) {
  const TempFolder folder;
  PrepareConfig config;
  config.fold_files = {folder.write("a", "1,1,5\n1,2,4\n2,1,5\n2,2,4\n"),
                       folder.write("b", "9,9,5\n")};
  config.min_user_ratings = 2;
  EXPECT_THAT(input_error([&] { prepare_dataset(config); }), HasSubstr("fold 2 holds no ratings"));
}

TEST(Prepare, EvaluatesOneSidedRatings) {
  const TempFolder folder;
  PrepareConfig config = config_for({folder.write("a", "1,1,5\n1,2,5\n2,2,5\n")});
  config.folds = 3;
  EXPECT_THAT(prepare_dataset(config).warnings, ElementsAre(HasSubstr("no rating lies below")));
  config.offset = 5.0F;
  EXPECT_THAT(input_error([&] { prepare_dataset(config); }), HasSubstr("lies above the offset 5"));
}

TEST(Prepare, WarnsAlsoWhenItFails) {
  const TempFolder folder;
  PrepareConfig config = config_for({folder.write("a", "1,7,0,9\n1,8,0,7\n2,7,0,3\n")});
  config.offset = 0.6F;
  config.folds = 3;
  PreparedDataset data;
  EXPECT_THAT(input_error([&] { prepare_dataset(Communicator::alone(), config, data); }),
              HasSubstr("above the offset"));
  EXPECT_THAT(data.warnings, Contains(HasSubstr("if '0,9' in the first line is one number")));
}

TEST(Prepare, OrdersByPlaceInTheFiles) {
  const TempFolder folder;
  PrepareConfig config = config_for({folder.write("a", "1,3,5\n2,9,1\n1,9,1\n2,3,4\n1,5,2\n"),
                                     folder.write("b", "1,4,5\n2,1,1\n1,9,2\n")});
  config.split = SplitMethod::kLeaveOneOut;
  config.order = RatingOrder::kFile;
  config.duplicates = DuplicatePolicy::kLast;
  const PreparedDataset data = prepare_dataset(config);
  EXPECT_THAT(data.ratings.item, ElementsAre(1, 2, 3, 4, 0, 1, 4));  // items 1 3 4 5 9
  EXPECT_THAT(data.ratings.part, ElementsAre(0, 1, 0, 2, 2, 1, 0));
  EXPECT_TRUE(data.warnings.empty());
}

TEST(Prepare, WarnsThatLeaveOneOutHasNoTimes) {
  const TempFolder folder;
  PrepareConfig config = config_for(
      {folder.write("a", "1\t1\t5\t1500000000\n1\t2\t1\t1500000001\n2\t1\t4\t1500000002\n")});
  config.split = SplitMethod::kLeaveOneOut;
  const PreparedDataset drawn = prepare_dataset(config);
  EXPECT_EQ(drawn.split_report.order, RatingOrder::kRandom);
  EXPECT_THAT(
      drawn.warnings,
      ElementsAre(::testing::AllOf(
          HasSubstr("drawn at random"),
          HasSubstr(
              "column 4 looks like times (the first is 1500000000): --columns 1,2,3,4 reads it"))));
  config.order = RatingOrder::kRandom;
  EXPECT_TRUE(prepare_dataset(config).warnings.empty()) << "it was asked for";
  config.order = RatingOrder::kTime;
  EXPECT_THAT(input_error([&] { prepare_dataset(config); }),
              HasSubstr("--columns 1,2,3,4 reads it"));
  config.order.reset();
  config.format.columns = {"1", "2", "3", "4"};
  const PreparedDataset timed = prepare_dataset(config);
  EXPECT_EQ(timed.split_report.order, RatingOrder::kTime);
  EXPECT_TRUE(timed.warnings.empty());
  EXPECT_THAT(timed.ratings.part, ElementsAre(0, 2, 0));
}

TEST(Prepare, NamesTimesThatASplitOrDuplicatesNeed) {
  const TempFolder folder;
  PrepareConfig config =
      config_for({folder.write("a",
                               "1,1,5,1500000001\n1,1,1,1500000000\n1,2,5,1500000003\n"
                               "1,3,1,1500000004\n2,1,5,1500000005\n2,2,4,1500000002\n"
                               "2,3,1,1500000006\n3,1,5,1500000007\n3,2,1,1500000008\n")});
  config.folds = 2;
  config.duplicates = DuplicatePolicy::kLast;
  EXPECT_THAT(
      prepare_dataset(config).warnings,
      ElementsAre(::testing::AllOf(HasSubstr("--duplicates last goes by the order of lines"),
                                   HasSubstr("--columns 1,2,3,4"))));
  config.folds.reset();
  config.split = SplitMethod::kTemporal;
  EXPECT_THAT(input_error([&] { prepare_dataset(config); }),
              ::testing::AllOf(HasSubstr("--split temporal needs times"),
                               HasSubstr("--columns 1,2,3,4 reads it")));
}

TEST(Prepare, DoubtsAUserColumnThatNeverRepeats) {
  const TempFolder folder;
  std::string text = "user,item,rating\n";
  for (int row = 0; row < 20; ++row) text += fmt::format("{},{},{}\n", row, row % 3, 1 + row % 5);
  EXPECT_THAT(prepare_dataset(config_for({folder.write("a", text)})).warnings,
              ElementsAre(HasSubstr("no user rated more than one item")));
}

TEST(Prepare, ShowsLittleOfLongIds) {
  const TempFolder folder;
  const std::string id(100'000, 'x');
  const PrepareConfig config =
      config_for({folder.write("a", id + "," + id + ",5\n" + id + "," + id + ",1\n")});
  EXPECT_LT(input_error([&] { prepare_dataset(config); }).size(), 600U);
}

TEST(Prepare, DoesNotDependOnTheOrderOfLines) {
  const TempFolder folder;
  const PreparedDataset one =
      prepare_dataset(config_for({folder.write("a", "1,1,5\n2,1,4\n1,2,1\n3,1,5\n2,2,2\n")}));
  const PreparedDataset two =
      prepare_dataset(config_for({folder.write("b", "2,2,2\n3,1,5\n1,1,5\n1,2,1\n2,1,4\n")}));
  EXPECT_EQ(one.ratings.user, two.ratings.user);
  EXPECT_EQ(one.ratings.value, two.ratings.value);
  EXPECT_EQ(one.ratings.part, two.ratings.part);
}

TEST(Prepare, CountsMovieLensAsItsReadmeDoes) {
  PrepareConfig config;
  for (int fold = 1; fold <= 5; ++fold) {
    const auto path = shared_data(fmt::format("ml-1m/test_1m{}.dat.gz", fold));
    if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is not there";
    config.fold_files.push_back(path.string());
  }
  const PreparedDataset data = prepare_dataset(config);
  EXPECT_EQ(data.users.size(), 6040);
  EXPECT_EQ(data.items.size(), 3706);
  EXPECT_EQ(data.statistics.train_of(data.split, 1).liked, 459'962);
  EXPECT_EQ(data.statistics.train_of(data.split, 1).disliked, 340'205);
}

TEST(Prepare, CountsEpinionsAsItsReadmeDoes) {
  const auto path = shared_data("epinions/ratings.tsv.gz");
  if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is not there";
  PrepareConfig config = config_for({path.string()});
  config.duplicates = DuplicatePolicy::kLast;
  const PreparedDataset data = prepare_dataset(config);
  EXPECT_EQ(data.users.size(), 22'164);
  EXPECT_EQ(data.items.size(), 296'277);
  EXPECT_EQ(data.duplicates.pairs, 6886);
  EXPECT_EQ(data.duplicates.surplus, 9826);
  EXPECT_EQ(data.duplicates.contradicting, 1620);
}

TEST(Prepare, ReducesYelpToTheCoresOfItsReadme) {
  const auto path = shared_data("yelp-hin/user_business.dat.gz");
  if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is not there";
  PrepareConfig config = config_for({path.string()});
  config.min_user_ratings = 10;
  config.min_item_ratings = 10;
  const PreparedDataset data = prepare_dataset(config);
  EXPECT_EQ(data.users.size(), 4000);
  EXPECT_EQ(data.items.size(), 3572);
  EXPECT_EQ(data.ratings.size(), 131'315);
}

TEST(Prepare, CountsPairsInTrainAndTestAsKuaiRandsReadmeDoes) {
  const auto folder = shared_data("sigformer-kuairand");
  if (!std::filesystem::exists(folder / "train.txt.gz")) GTEST_SKIP() << folder << " is not there";
  PrepareConfig config;
  config.train = (folder / "train.txt.gz").string();
  config.valid = (folder / "valid.txt.gz").string();
  config.test = (folder / "test.txt.gz").string();
  config.duplicates = DuplicatePolicy::kLast;
  config.offset = 0.5F;
  const PreparedDataset data = prepare_dataset(config);
  EXPECT_EQ(data.users.size(), 16'974);
  EXPECT_EQ(data.items.size(), 4373);
  EXPECT_EQ(data.statistics.by_fold[0].pairs_in_both, 2263);
}

}  // namespace
}  // namespace siren
