// SPDX-License-Identifier: Apache-2.0
#include "observe/dataset_report.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "data/dataset_fixture.hpp"

namespace siren {
namespace {

using ::testing::HasSubstr;

TEST(DatasetReport, DescribesFolds) {
  const test::TempFolder folder;
  const DatasetFile file(test::small_file(folder));
  const std::string text = describe_dataset(file.summary());
  for (const char* part :
       {"3 users, 3 items, 5 ratings (density 55.6 %)", "1 x 1", "3.5 x 1",
        "5 = 2 liked + 2 disliked + 1 neither (40.0 % liked)",
        "files, 2 folds, seed 3, 0.25 of each train part validates",
        "fold 1     train 2 = 1 liked + 1 disliked", "2 test users (1 unseen in train)"})
    EXPECT_THAT(text, HasSubstr(part));
}

TEST(DatasetReport, DescribesParts) {
  const test::TempFolder folder;
  PrepareConfig config;
  config.train = folder.write("train", "1,1,5\n1,2,1\n2,1,4\n");
  config.valid = folder.write("valid", "2,2,5\n");
  config.test = folder.write("test", "1,1,5\n3,1,2\n");
  const PreparedDataset data = prepare_dataset(config);
  write_dataset(folder.path("d.h5"), test::content_of(data));
  const std::string text = describe_dataset(DatasetFile(folder.path("d.h5")).summary());
  for (const char* part :
       {"train      3 = 2 liked + 1 disliked + 0 neither", "valid      1 = 1 liked",
        "test       2 = 1 liked",
        "2 test users (1 unseen in train), 1 test items (0 unseen), 1 pairs in both"})
    EXPECT_THAT(text, HasSubstr(part));
}

TEST(DatasetReport, SaysThatThereIsNoTestPart) {
  const test::TempFolder folder;
  PrepareConfig config;
  config.input = {folder.write("a", "1,1,5\n1,2,1\n2,1,4\n2,2,5\n")};
  config.split = SplitMethod::kNone;
  config.valid_share = 0.25;
  const PreparedDataset data = prepare_dataset(config);
  EXPECT_EQ(data.statistics.train_of(data.split, 0).total(), 4);
  EXPECT_EQ(data.statistics.test_of(data.split, 0).total(), 0);
  write_dataset(folder.path("d.h5"), test::content_of(data));
  const std::string text = describe_dataset(DatasetFile(folder.path("d.h5")).summary());
  for (const char* part : {"none, train/valid/test, seed 1", "train      3 =", "valid      1 =",
                           "test       none: for a final model, which is not evaluated\nper user"})
    EXPECT_THAT(text, HasSubstr(part));
}

TEST(DatasetReport, TellsWhatPreparationDid) {
  const test::TempFolder folder;
  PrepareConfig config;
  config.input = {
      folder.write("a", "user,item,rating\n1,1,5\n1,1,1\n1,2,4\n2,1,4\n2,2,5\n3,1,1\n")};
  config.duplicates = DuplicatePolicy::kLast;
  config.min_user_ratings = 2;
  config.folds = 2;
  const std::string text = describe_preparation(prepare_dataset(config), config.duplicates);
  for (const char* part :
       {"a: 6 ratings, csv: user = column 1 (\"user\"), item = column 2 (\"item\"), rating = "
        "column 3",
        "1 pairs rated more than once, 1 surplus ratings left out (last), 1 contradicting",
        "1 users, 0 items, 1 ratings left out"})
    EXPECT_THAT(text, HasSubstr(part));
}

TEST(DatasetReport, TellsTheOrderAndItsTies) {
  PreparedDataset data;
  const auto text = [&] { return describe_preparation(data, DuplicatePolicy::kError); };
  EXPECT_EQ(text(), "");
  data.split_method = SplitMethod::kLeaveOneOut;
  data.split_report = {RatingOrder::kRandom, true, 0, 0};
  EXPECT_EQ(text(), "order      each user's ratings by chance\n");
  data.split_report = {RatingOrder::kTime, true, 415, 398};
  EXPECT_EQ(
      text(),
      "order      each user's ratings by time\n"
      "ties       415 users' last rating is tied in time, 398 users' validation rating: chance "
      "(--seed) decides\n");
  data.split_method = SplitMethod::kTemporal;
  EXPECT_THAT(text(), HasSubstr("415 users' cut before the test part falls between"));
  data.split_report = {RatingOrder::kTime, false, 0, 1};
  EXPECT_THAT(
      text(),
      HasSubstr(
          "all ratings by time\n"
          "ties       the cut before the validation part falls between ratings of the same time"));
  data.split_report = {RatingOrder::kTime, false, 1, 0};
  EXPECT_THAT(text(), HasSubstr("the cut before the test part falls"));
}

TEST(DatasetReport, JsonHasTheFiguresOfEachFold) {
  const test::TempFolder folder;
  const DatasetFile file(test::small_file(folder));
  const nlohmann::ordered_json json = dataset_as_json(file.summary(), "d.h5");
  EXPECT_EQ(json["kind"], "dataset");
  EXPECT_EQ(json["users"], 3);
  EXPECT_EQ(json["ratings"], 5);
  EXPECT_EQ(json["content_hash"], file.summary().content_hash);
  ASSERT_EQ(json["folds"].size(), 2U);
  EXPECT_EQ(json["folds"][0]["train"]["liked"], 1);
  EXPECT_EQ(json["folds"][1]["test"]["disliked"], 1);
  EXPECT_FALSE(json["folds"][0].contains("valid"));
  EXPECT_EQ(json["histogram"][2]["value"], 3.5);
}

}  // namespace
}  // namespace siren
