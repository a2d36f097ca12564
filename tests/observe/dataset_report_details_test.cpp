// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "data/dataset_fixture.hpp"
#include "observe/dataset_report.hpp"

namespace siren {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// Train and test share a pair, test has a user and an item that train does not know.
std::string leaking_file(const test::TempFolder& folder) {
  PrepareConfig config;
  config.train = folder.write("train", "1,1,5\n1,2,1\n2,1,4\n3,1,1\n3,2,2\n");
  config.valid = folder.write("valid", "2,2,5\n");
  config.test = folder.write("test", "1,1,5\n4,3,2\n");
  const PreparedDataset data = prepare_dataset(config);
  write_dataset(folder.path("leak.h5"), test::content_of(data));
  return folder.path("leak.h5");
}

TEST(DatasetDetails, CountsDegreesSignsAndRepeatedPairs) {
  const test::TempFolder folder;
  const DatasetDetails details = look_into(DatasetFile(leaking_file(folder)));
  EXPECT_EQ(details.users_by_degree[0], 0);
  EXPECT_EQ(details.users_by_degree[1], 1);  // user 4
  EXPECT_EQ(details.users_by_degree[2], 3);  // two or three ratings
  EXPECT_EQ(details.items_by_degree[1], 1);
  EXPECT_EQ(details.items_by_degree[2], 1);
  EXPECT_EQ(details.items_by_degree[3], 1);  // item 1: four ratings
  EXPECT_EQ(details.users_only_liking, 1);
  EXPECT_EQ(details.users_only_disliking, 2);
  EXPECT_EQ(details.repeated_pairs, 1);
}

TEST(DatasetDetails, WarnsOfLeaksDuplicatesAndUnseenIds) {
  const test::TempFolder folder;
  const DatasetFile data(leaking_file(folder));
  EXPECT_THAT(dataset_warnings(data.summary(), look_into(data)),
              ElementsAre(HasSubstr("1 pairs are in train and in test"),
                          HasSubstr("1 pairs are rated more than once"),
                          HasSubstr("1 test users have no train rating"),
                          HasSubstr("1 test items have no train rating")));
}

TEST(DatasetDetails, WarningsNameTheFold) {
  const test::TempFolder folder;
  const DatasetFile data(test::small_file(folder));
  EXPECT_THAT(dataset_warnings(data.summary(), look_into(data)),
              ElementsAre(HasSubstr("1 (fold 1), 1 (fold 2) test users"),
                          HasSubstr("1 (fold 1) test items")));
}

TEST(DatasetDetails, WarnsIfNothingIsDisliked) {
  const test::TempFolder folder;
  PrepareConfig config;
  config.train = folder.write("train", "1,1,5\n1,2,4\n2,2,4\n");
  config.test = folder.write("test", "2,1,5\n");
  write_dataset(folder.path("d.h5"), test::content_of(prepare_dataset(config)));
  const DatasetFile data(folder.path("d.h5"));
  EXPECT_THAT(describe_details(data.summary(), look_into(data)),
              HasSubstr("warning    no rating is below 3.5"));
}

TEST(DatasetDetails, DrawsHistograms) {
  const test::TempFolder folder;
  PrepareConfig config;
  std::string train;
  for (int user = 0; user < 20; ++user)
    train += fmt::format("{},1,{}.5\n{},2,1\n", user, user, user);
  config.train = folder.write("train", train);
  config.test = folder.write("test", "1,2,1\n");
  write_dataset(folder.path("d.h5"), test::content_of(prepare_dataset(config)));
  const DatasetFile data(folder.path("d.h5"));
  const std::string text = describe_details(data.summary(), look_into(data));
  EXPECT_THAT(text, HasSubstr("from 0.5 "));
  EXPECT_THAT(text, HasSubstr("users with 2 to 3"));
  EXPECT_THAT(text, HasSubstr("########################################"));
  const nlohmann::ordered_json json = details_as_json(data.summary(), look_into(data));
  EXPECT_EQ(json["users_by_degree"][0]["degree"], "2 to 3");
  EXPECT_EQ(json["users_by_degree"][0]["count"], 20);
  EXPECT_EQ(json["warnings"].size(), 2U);  // the pair in both parts
}

}  // namespace
}  // namespace siren
