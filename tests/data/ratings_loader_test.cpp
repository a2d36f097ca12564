// SPDX-License-Identifier: Apache-2.0
#include "siren/data/ratings_loader.hpp"

#include <gmock/gmock.h>

#include "support/temp_folder.hpp"

namespace siren {
namespace {

using test::input_error;
using test::TempFolder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(RatingsLoader, JoinsFilesInOrder) {
  const TempFolder folder;
  const std::vector<RatingsSource> sources = {{folder.write("a", "10,b,1\n9,a,2\n"), 1},
                                              {folder.write("b", "user,item,rating\n10,c,3\n"), 2}};
  const LoadedRatings loaded = load_ratings(sources, {});
  EXPECT_THAT(loaded.ratings.user, ElementsAre(1, 0, 1));
  EXPECT_THAT(loaded.ratings.item, ElementsAre(1, 0, 2));
  EXPECT_THAT(loaded.ratings.value, ElementsAre(1, 2, 3));
  EXPECT_THAT(loaded.ratings.part, ElementsAre(1, 1, 2));
  EXPECT_EQ(loaded.users.at(0), "9");
  EXPECT_EQ(loaded.items.at(2), "c");
  EXPECT_EQ(loaded.files[0].ratings, 2);
  EXPECT_EQ(loaded.files[1].header, "user,item,rating");
}

TEST(RatingsLoader, KeepsTimes) {
  const TempFolder folder;
  const LoadedRatings loaded = load_ratings({{folder.write("a", "1::2::3::77\n"), 0}}, {});
  EXPECT_THAT(loaded.ratings.timestamp, ElementsAre(77));
}

TEST(RatingsLoader, RefusesTimesInSomeFilesOnly) {
  const TempFolder folder;
  const std::vector<RatingsSource> sources = {{folder.write("a", "1::2::3::77\n"), 0},
                                              {folder.write("b", "1::3::3\n"), 0}};
  EXPECT_THAT(input_error([&] { load_ratings(sources, {}); }), HasSubstr("a has times and "));
}

TEST(RatingsLoader, RefusesAHeaderAlone) {
  const TempFolder folder;
  const std::vector<RatingsSource> sources = {{folder.write("a", "user,item,rating\n"), 0}};
  EXPECT_THAT(input_error([&] { load_ratings(sources, {}); }), HasSubstr("a holds no ratings"));
}

TEST(RatingsLoader, LocatesAPair) {
  const TempFolder folder;
  const std::vector<RatingsSource> sources = {{folder.write("a", "1,2,3\n\n4,5,1\n"), 0},
                                              {folder.write("b", "4,5,1\n4,5,2\n"), 2}};
  EXPECT_THAT(locate_pair(sources, {}, "4", "5", false),
              ::testing::AllOf(HasSubstr("a:3 and "), HasSubstr("b:1")));
  EXPECT_THAT(locate_pair(sources, {}, "4", "5", true),
              ::testing::AllOf(HasSubstr("b:1 and "), HasSubstr("b:2")));
  EXPECT_EQ(locate_pair(sources, {}, "1", "2", false), "");
  EXPECT_EQ(locate_pair({{folder.path("gone"), 0}}, {}, "1", "2", false), "");
}

}  // namespace
}  // namespace siren
