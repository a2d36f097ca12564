// SPDX-License-Identifier: Apache-2.0
#include "ingest/column_notes.hpp"

#include <gmock/gmock.h>

#include "ingest/ratings_reader.hpp"
#include "support/temp_folder.hpp"

namespace siren {
namespace {

using test::TempFolder;
using ::testing::HasSubstr;

/// What is noted of a file with these lines.
ColumnNotes notes_of(std::string_view text, const RatingsFormat& format = {}) {
  const TempFolder folder;
  RatingsReader reader(folder.write("f", text), format);
  for (RatingRow row; reader.next(row);) {
  }
  return reader.notes();
}

TEST(ColumnNotes, SaysWhatWasTakenForWhat) {
  EXPECT_EQ(notes_of("7,8,5\n").taken(),
            "user = column 1, item = column 2, rating = column 3, no time");
  EXPECT_EQ(
      notes_of("when,rating,item,user\nx,5,8,7\n").taken(),
      "user = column 4 (\"user\"), item = column 3 (\"item\"), rating = column 2 (\"rating\"), no "
      "time; left unread: column 1 (\"when\")");
  EXPECT_EQ(notes_of("7::8::5::100\n").taken(),
            "user = column 1, item = column 2, rating = column 3, time = column 4");
  EXPECT_EQ(notes_of("{\"user\":1,\"text\":\"good\",\"item\":2,\"stars\":3}\n").taken(),
            "user = \"user\", item = \"item\", rating = \"stars\", no time; left unread: \"text\"");
}

TEST(ColumnNotes, IsShortWhateverTheFileHolds) {
  std::string header = "user,item,rating";
  std::string line = "1,2,3";
  for (int column = 0; column < 500; ++column) {
    header += "," + std::string(300, 'x');
    line += ",0";
  }
  const std::string taken = notes_of(header + "\n" + line + "\n").taken();
  EXPECT_LT(taken.size(), 700U);
  EXPECT_THAT(taken, HasSubstr("and 492 more"));
}

TEST(ColumnNotes, FindsUnreadTimes) {
  EXPECT_EQ(notes_of("7,8,5,1500000000\n7,9,5,1500000001\n").unread_time(),
            "column 4 looks like times (the first is 1500000000): --columns 1,2,3,4 reads it");
  EXPECT_EQ(
      notes_of("7,8,5,x,2020-01-05T10:00:00Z\n").unread_time(),
      "column 5 looks like times (the first is 2020-01-05T10:00:00Z): --columns 1,2,3,5 reads it");
  EXPECT_THAT(notes_of("user,rated at,rating,item\n7,1500000000123,5,3\n").unread_time(),
              HasSubstr("column 2 (\"rated at\") looks like times (the first is 1500000000123): "
                        "--columns 1,4,3,2 reads it"));
  EXPECT_THAT(notes_of("{\"user\":1,\"item\":2,\"rating\":3,\"seen\":1500000000}\n").unread_time(),
              HasSubstr("--columns user,item,rating,seen reads it"));
  EXPECT_EQ(notes_of("7,8,5,1500000000\n7,9,5,12\n").unread_time(), "");
  EXPECT_EQ(notes_of("7,8,5,40\n").unread_time(), "");
  RatingsFormat timed;
  timed.columns = parse_columns("1,2,3,4");
  EXPECT_EQ(notes_of("7,8,5,1500000000,1500000000\n", timed).unread_time(), "") << "one is enough";
}

TEST(ColumnNotes, SeesWhereADecimalCommaMaySeparate) {
  EXPECT_EQ(notes_of("7,8,3,5\n7,9,4,0\n").split_number(), "3,5");
  EXPECT_EQ(notes_of("7,8,3,5\n7,9,4,150\n").split_number(), "");
  EXPECT_EQ(notes_of("7,8,3.5,5\n").split_number(), "");
  EXPECT_EQ(notes_of("7\t8\t3\t5\n").split_number(), "");
  RatingsFormat named;
  named.columns = parse_columns("1,2,3");
  EXPECT_EQ(notes_of("7,8,3,5\n", named).split_number(), "") << "the user has said what is what";
}

TEST(ColumnNotes, KnowsWhatWasGuessed) {
  EXPECT_TRUE(notes_of("7,8,5\n").guessed());
  EXPECT_FALSE(notes_of("user,item,rating\n7,8,5\n").guessed());
  RatingsFormat named;
  named.columns = parse_columns("2,3,1");
  EXPECT_FALSE(notes_of("7,8,5\n", named).guessed());
  EXPECT_EQ(notes_of("7,8,5\n", named).positions(), "2,3,1");
  EXPECT_EQ(notes_of("0,7,8,5\n").positions_behind_first(), "2,3,4");
  EXPECT_EQ(notes_of("0,7,8,5,1500000000\n").positions_behind_first(), "2,3,4,5");
}

}  // namespace
}  // namespace siren
