// SPDX-License-Identifier: Apache-2.0
#include "ingest/ratings_loader.hpp"

#include <string>

#include <fmt/format.h>
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
  const LoadedRatings loaded = load_ratings(Communicator::alone(), sources, {});
  EXPECT_THAT(loaded.ratings.user, ElementsAre(1, 0, 1));
  EXPECT_THAT(loaded.ratings.item, ElementsAre(1, 0, 2));
  EXPECT_THAT(loaded.ratings.value, ElementsAre(1, 2, 3));
  EXPECT_THAT(loaded.ratings.part, ElementsAre(1, 1, 2));
  EXPECT_EQ(loaded.users.at(0), "9");
  EXPECT_EQ(loaded.items.at(2), "c");
  EXPECT_EQ(loaded.files[0].ratings, 2);
  EXPECT_THAT(loaded.files[0].columns, HasSubstr("user = column 1, "));
  EXPECT_THAT(loaded.files[1].columns, HasSubstr("user = column 1 (\"user\"), "));
}

TEST(RatingsLoader, KeepsTimes) {
  const TempFolder folder;
  const LoadedRatings loaded =
      load_ratings(Communicator::alone(), {{folder.write("a", "1::2::3::77\n"), 0}}, {});
  EXPECT_THAT(loaded.ratings.timestamp, ElementsAre(77));
}

TEST(RatingsLoader, RefusesTimesInSomeFilesOnly) {
  const TempFolder folder;
  const std::vector<RatingsSource> sources = {{folder.write("a", "1::2::3::77\n"), 0},
                                              {folder.write("b", "1::3::3\n"), 0}};
  EXPECT_THAT(input_error([&] { load_ratings(Communicator::alone(), sources, {}); }),
              HasSubstr("a has times and "));
}

TEST(RatingsLoader, RefusesAHeaderAlone) {
  const TempFolder folder;
  const std::vector<RatingsSource> sources = {{folder.write("a", "user,item,rating\n"), 0}};
  EXPECT_THAT(input_error([&] { load_ratings(Communicator::alone(), sources, {}); }),
              HasSubstr("a holds no ratings"));
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

/// "0,u,i,r\n1,...": a data frame's index in front of `rows` ratings of few users.
std::string with_index(int rows, const std::string& tail) {
  std::string text;
  for (int row = 0; row < rows; ++row)
    text += fmt::format("{},{},{},4{}\n", row, row % 4, row, tail);
  return text;
}

TEST(RatingsLoader, RefusesAnIndexForUsers) {
  const TempFolder folder;
  const auto error = [&](const std::string& text) {
    return input_error([&] {
      load_ratings(Communicator::alone(), {{folder.write("a", text), 0}}, {});
    });
  };
  EXPECT_THAT(
      error(with_index(40, "")),
      HasSubstr(
          "a: the first of its 4 columns, taken for the user, differs in every line as a line "
          "number does; give --columns 2,3,4 if it is one, --columns 1,2,3 if it is the user"));
  EXPECT_THAT(error(with_index(40, ",1500000000")), HasSubstr("--columns 2,3,4,5 if"));
  std::string filtered;  // an index with gaps, in no order
  for (int row = 0; row < 30; ++row)
    filtered += fmt::format("{}::{}::{}::4\n", row * 37 % 101, row % 3, row);
  EXPECT_THAT(error(filtered),
              HasSubstr("--columns 2,3,4 if it is one, --columns 1,2,3,4 if it is the user"));
}

TEST(RatingsLoader, TakesUsersWhoRateOnce) {
  const TempFolder folder;
  std::string names;
  std::string timed;
  for (int row = 0; row < 12; ++row) {
    names += fmt::format("A{:013},B001,4,x\n", row * 37);
    timed += fmt::format("{},{},4,1369699200\n", row, row % 3);
  }
  for (const std::string& text : {names, timed})
    EXPECT_EQ(load_ratings(Communicator::alone(), {{folder.write("a", text), 0}}, {}).users.size(),
              12);
}

TEST(RatingsLoader, TakesFirstColumnsThatAreNamed) {
  const TempFolder folder;
  RatingsFormat format;
  format.columns = parse_columns("1,2,4");
  EXPECT_EQ(
      load_ratings(Communicator::alone(), {{folder.write("a", with_index(40, "")), 0}}, format)
          .users.size(),
      40);
  format.columns = parse_columns("2,3,4");
  EXPECT_EQ(
      load_ratings(Communicator::alone(), {{folder.write("a", with_index(40, "")), 0}}, format)
          .users.size(),
      4);
  EXPECT_EQ(load_ratings(Communicator::alone(),
                         {{folder.write("a", "n,user,item,rating\n" + with_index(40, "")), 0}}, {})
                .users.size(),
            4);
  EXPECT_EQ(load_ratings(Communicator::alone(), {{folder.write("a", with_index(5, "")), 0}}, {})
                .users.size(),
            5)
      << "too few to tell";
}

TEST(RatingsLoader, DoubtsNumbersThatCommasMayHaveSplit) {
  const TempFolder folder;
  const std::vector<RatingsSource> sources = {{folder.write("a", "1,18,3,5\n1,19,4,0\n"), 0}};
  EXPECT_THAT(load_ratings(Communicator::alone(), sources, {}).files[0].doubt,
              HasSubstr("if '3,5' in the first line is one number"));
  RatingsFormat format;
  format.decimal = DecimalMark::kComma;
  EXPECT_THAT(input_error([&] { load_ratings(Communicator::alone(), sources, format); }),
              HasSubstr("'3,5' cannot be a number with a decimal comma"));
  EXPECT_EQ(load_ratings(Communicator::alone(), {{folder.write("b", "1,18,3,100\n"), 0}}, {})
                .files[0]
                .doubt,
            "");
}

}  // namespace
}  // namespace siren
