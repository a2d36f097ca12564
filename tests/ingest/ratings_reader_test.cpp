// SPDX-License-Identifier: Apache-2.0
#include "ingest/ratings_reader.hpp"

#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "support/temp_folder.hpp"

namespace siren {
namespace {

using test::input_error;
using test::TempFolder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class RatingsReaderTest : public ::testing::Test {
 protected:
  /// Rows as "user|item|value[|time]@line".
  std::vector<std::string> rows(std::string_view text) const {
    RatingsReader reader(folder_.write("f", text), format_);
    std::vector<std::string> result;
    for (RatingRow row; reader.next(row);)
      result.push_back(fmt::format("{}|{}|{}{}@{}", row.user, row.item, row.value,
                                   reader.has_time() ? fmt::format("|{}", row.timestamp) : "",
                                   reader.line_number()));
    return result;
  }
  std::string error(std::string_view text) const {
    return input_error([&] { rows(text); });
  }

  TempFolder folder_;
  RatingsFormat format_;
};

TEST_F(RatingsReaderTest, ReadsEachSyntax) {
  EXPECT_THAT(rows("1,2,3\n4,5,-1.5\n"), ElementsAre("1|2|3@1", "4|5|-1.5@2"));
  EXPECT_THAT(rows("1\t2\t3\t9\n"), ElementsAre("1|2|3@1"));
  EXPECT_THAT(rows("1 2 3.00"), ElementsAre("1|2|3@1"));
  EXPECT_THAT(rows("1::0042::10::77\r\n"), ElementsAre("1|0042|10|77@1"));
  EXPECT_THAT(rows("{\"user_id\": \"a\", \"item_id\": 7, \"rating\": 5}\n\n"
                   "{\"rating\": 1.5, \"item_id\": \"8\", \"user_id\": \"b\"}"),
              ElementsAre("a|7|5@1", "b|8|1.5@3"));
  EXPECT_THAT(rows("item_id:token\tuser_id:token\trating:float\n1\t2\t3\n"),
              ElementsAre("2|1|3@2"));
}

TEST_F(RatingsReaderTest, SkipsHeaderBlankAndLeadingLines) {
  EXPECT_THAT(rows("user,item,rating\n\n  \n1,2,3\n"), ElementsAre("1|2|3@4"));
  format_.skip_lines = 2;
  EXPECT_THAT(rows("10 20 30\nnote\n1 2 3\n"), ElementsAre("1|2|3@3"));
}

TEST_F(RatingsReaderTest, ReadsTheRowsThatBeginInAPart) {
  const std::string text =
      "user,item,rating\n1,2,3\n\n4,\"5\n\",1\n6,7,2\n";  // 17, 24, 33 begin rows
  const auto part = [&](std::int64_t begin, std::int64_t end) {
    RatingsReader reader(folder_.write("part.csv", text), format_);
    EXPECT_EQ(reader.first_row(), 17);
    reader.restrict_to(begin, end);
    std::vector<std::string> result;
    for (RatingRow row; reader.next(row);)
      result.push_back(fmt::format("{}@{}", row.user, reader.line_number()));
    return result;
  };
  EXPECT_THAT(part(0, 24), ElementsAre("1@2"));
  EXPECT_THAT(part(0, 17), ElementsAre());
  EXPECT_THAT(part(17, 25), ElementsAre("1@2", "4@4"));
  EXPECT_THAT(part(24, 33), ElementsAre("4@4")) << "to its end";
  EXPECT_THAT(part(33, 1000), ElementsAre("6@6"));
}

TEST_F(RatingsReaderTest, JoinsQuotedRecords) {
  EXPECT_THAT(rows("user,text,item,rating\nbob,\"a\nb\",7,5\nann,x,8,1\n"),
              ElementsAre("bob|7|5@2", "ann|8|1@4"));
  EXPECT_THAT(error("user,text,item,rating\nbob,\"a\nb,7,5\n"), HasSubstr("f:2: a quoted field"));
}

TEST_F(RatingsReaderTest, KeepsLineEndsInsideQuotes) {
  EXPECT_THAT(rows("user,item,rating\r\nbob,\"a\r\nb\",5\r\nann,\"a\nb\r\n\r\nc\",1\r\n"),
              ElementsAre("bob|a\r\nb|5@2", "ann|a\nb\r\n\r\nc|1@4"));
  EXPECT_THAT(rows("bob,\"a\r\nb\",5\r\n"), ElementsAre("bob|a\r\nb|5@1")) << "in the first record";
  EXPECT_THAT(rows("\"the\r\nuser\",user,item,rating\r\n1,2,3,4\r\n"), ElementsAre("2|3|4@3"))
      << "in the header";
}

TEST_F(RatingsReaderTest, ReadsOtherSeparatorsAndDecimalCommas) {
  EXPECT_THAT(rows("1;2;3\n"), ElementsAre("1|2|3@1"));
  EXPECT_THAT(rows("user|item|rating\n1|\"2|2\"|3\n"), ElementsAre("1|2|2|3@2"));
  EXPECT_THAT(
      error("\"u\";\"a, b\";\"0,5\"\n"),
      HasSubstr("the rating '0,5' is not a number; if it has a decimal ',', add --decimal ,"));
  format_.decimal = DecimalMark::kComma;
  EXPECT_THAT(rows("\"u\";\"a, b\";\"0,5\"\nv;c;4\n"), ElementsAre("u|a, b|0.5@1", "v|c|4@2"));
  EXPECT_THAT(error("u;b;4\nu;a;0.5\n"),
              HasSubstr("f:2: the rating '0.5' is not a number; if it has a decimal '.'"));
}

TEST_F(RatingsReaderTest, NamesTheRemarksAboveATable) {
  EXPECT_THAT(error("# made by me\nuser,item,rating\n1,2,3\n"),
              HasSubstr("f:1: the line '# made by me' seems to be a remark above the table; "
                        "--skip-lines 1 passes over it"));
  EXPECT_THAT(error("\n% sym\n% 3 4 5\n\n1 2 3\n"), HasSubstr("--skip-lines 4 "));
  EXPECT_THAT(error("// made by me\n{\"user\":1,\"item\":2,\"rating\":3}\n"),
              HasSubstr("--skip-lines 1 "));
  // The sizes of a Matrix Market file are no rating.
  EXPECT_THAT(error("%%MatrixMarket matrix\n%\n9 8 2\n1 2 3\n4 5 6\n"),
              HasSubstr("--skip-lines 3 "));
  format_.columns = parse_columns("1,2,3");
  EXPECT_THAT(error("# a table of mine\n1 2 3\n"), HasSubstr("--skip-lines 1 "));
  format_.columns.clear();
  // A mark in front of the table itself is none of a remark.
  EXPECT_THAT(rows("#user,item,rating\n1,2,3\n"), ElementsAre("1|2|3@2"));
  EXPECT_THAT(rows("#1,2,3\nann,2,3\n"), ElementsAre("#1|2|3@1", "ann|2|3@2"));
  EXPECT_THAT(rows("#1,2,3\n#2,2,3\n"), ElementsAre("#1|2|3@1", "#2|2|3@2"));
  format_.skip_lines = 1;
  EXPECT_THAT(rows("# made by me\nuser,item,rating\n1,2,3\n"), ElementsAre("1|2|3@3"));
}

TEST_F(RatingsReaderTest, SaysHowToUnpackJson) {
  const std::string object = "{\"user\":1,\"item\":2,\"rating\":3}";
  std::string array = "[" + object;
  while (array.size() < 300'000) array += "," + object;
  const std::string message = error(array + "]");
  EXPECT_THAT(message,
              HasSubstr("is one JSON array; ratings are read as one object a line: jq -c '.[]' "));
  EXPECT_LT(message.size(), 300U);
  EXPECT_THAT(error(" [\n  {\n"), HasSubstr("is one JSON array"));
  EXPECT_THAT(error("{\n\"user\": 1\n"), HasSubstr("expected one object a line: jq -c . "));
  EXPECT_THAT(rows("[1],2,3\n"), ElementsAre("[1]|2|3@1"));
}

TEST_F(RatingsReaderTest, ShowsLittleOfLongFields) {
  const std::string field(100'000, '0');
  const auto length = [&](const std::string& text) { return error(text).size(); };
  EXPECT_LT(length("1,2," + field + "x\n"), 400U);
  EXPECT_LT(length("1,2," + std::string(39, '9') + field + "\n"), 400U);
  EXPECT_LT(length("1::2::3::" + field + "x\n"), 400U);
  EXPECT_LT(length("#" + field + "\n1,2,3\n"), 400U);
  EXPECT_LT(length("{\"user\":1,\"item\":2,\"" + field + "\":3}\n"), 400U);
  format_.max_value = 5.0F;
  EXPECT_LT(length("1,2," + field + "6\n"), 400U);
  format_.columns = {"user", "item", field};
  EXPECT_LT(length("{\"user\":1,\"item\":2,\"" + field + "\":3}\n{\"user\":1,\"item\":2}\n"), 400U);
}

TEST_F(RatingsReaderTest, NamesFileAndLineOfEachFault) {
  EXPECT_THAT(error("1,2,3\n4,5\n"),
              HasSubstr("f:2: expected 3 columns as in the first line, found 2"));
  EXPECT_THAT(error("1,2,3\n4,5,6,7\n"), HasSubstr("found 4"));
  EXPECT_THAT(error("1,2,3\n4,5,x\n"), HasSubstr("f:2: the rating 'x' is not a number"));
  EXPECT_THAT(error("1,2,x\n"), HasSubstr("f:1: the rating 'x' is not a number"));
  EXPECT_THAT(error("1,2,nan\n"), HasSubstr("is not a finite number"));
  EXPECT_THAT(error("1,2,3\n1,2,inf\n"), HasSubstr("f:2: the rating 'inf' is not a finite number"));
  EXPECT_THAT(error("1,2,1e99\n"), HasSubstr("is not a finite number"));
  EXPECT_THAT(error("1,2,3\n,5,1\n"), HasSubstr("f:2: the user id is empty"));
  EXPECT_THAT(error("1,2,3\n5, ,1\n"), HasSubstr("f:2: the item id is empty"));
  EXPECT_THAT(error("1::2::3::never\n"), HasSubstr("f:1: the time 'never'"));
}

TEST_F(RatingsReaderTest, NamesFaultsOfJson) {
  const std::string good = "{\"user\":1,\"item\":2,\"rating\":3}\n";
  EXPECT_THAT(error(good + "{\"user\":1,\n"), HasSubstr("f:2: not a JSON object"));
  EXPECT_THAT(error(good + "{\"user\":1,\"item\":2}\n"),
              HasSubstr("f:2: the object has no member rating"));
  EXPECT_THAT(error("{\"a\":1}\n"), HasSubstr("f:1: no column is recognised as the user"));
}

TEST_F(RatingsReaderTest, ChecksTheValueRange) {
  format_.min_value = 1.0F;
  format_.max_value = 5.0F;
  EXPECT_THAT(rows("1,2,1\n1,3,5\n"), ElementsAre("1|2|1@1", "1|3|5@2"));
  EXPECT_THAT(error("1,2,0.5\n"), HasSubstr("f:1: the rating 0.5 is below --min-value 1"));
  EXPECT_THAT(error("1,2,6\n"), HasSubstr("f:1: the rating 6 is above --max-value 5"));
}

TEST_F(RatingsReaderTest, RefusesFilesWithoutRatings) {
  EXPECT_THAT(error("\n \n"), HasSubstr("f holds no ratings"));
  format_.skip_lines = 3;
  EXPECT_THAT(error("1,2,3\n"), HasSubstr("has only 1 lines, but --skip-lines is 3"));
}

}  // namespace
}  // namespace siren
