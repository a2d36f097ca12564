// SPDX-License-Identifier: Apache-2.0
#include "ingest/ratings_format.hpp"

#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>

#include "support/temp_folder.hpp"

namespace siren {
namespace {

using test::input_error;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::int32_t kNone = ColumnLayout::kAbsent;

ColumnLayout resolve(TextFormat format, const RatingsFormat& wanted,
                     std::vector<std::string_view> fields) {
  return resolve_columns(format, wanted, fields, "f:1");
}

RatingsFormat with_columns(std::string_view text) {
  RatingsFormat format;
  format.columns = parse_columns(text);
  return format;
}

TEST(RatingsFormat, DetectsTheSyntax) {
  EXPECT_EQ(detect_format("a.csv", "1,2,3"), TextFormat::kCsv);
  EXPECT_EQ(detect_format("a.dat", "1\t2\t3"), TextFormat::kTsv);
  EXPECT_EQ(detect_format("a.dat", "1\tx,y,z\t3"), TextFormat::kTsv);
  EXPECT_EQ(detect_format("a.dat", "1 2 3.0"), TextFormat::kSpace);
  EXPECT_EQ(detect_format("a.dat", "1::2::3::4"), TextFormat::kMovieLens);
  EXPECT_EQ(detect_format("a.json", " {\"a\": 1}"), TextFormat::kJsonLines);
  EXPECT_EQ(detect_format("a.inter.gz", "user_id:token\titem_id:token\trating:float"),
            TextFormat::kInter);
  EXPECT_EQ(detect_format("a.txt", "1;2;3"), TextFormat::kSemicolon);
  EXPECT_EQ(detect_format("a.txt", "1|2|3"), TextFormat::kPipe);
  EXPECT_THAT(input_error([] { detect_format("a.txt", "1~2~3"); }), HasSubstr("--format"));
}

TEST(RatingsFormat, TakesPositionsWithoutAHeader) {
  const ColumnLayout layout = resolve(TextFormat::kCsv, {}, {"1", "2", "3", "4"});
  EXPECT_FALSE(layout.has_header);
  EXPECT_THAT(layout.position, ElementsAre(0, 1, 2, kNone));
  EXPECT_THAT(resolve(TextFormat::kMovieLens, {}, {"1", "2", "3", "4"}).position,
              ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(resolve(TextFormat::kMovieLens, with_columns("1,2,3"), {"1", "2", "3", "4"}).position,
              ElementsAre(0, 1, 2, kNone));
  EXPECT_THAT(resolve(TextFormat::kTsv, with_columns("3,1,2"), {"1", "2", "3", "4"}).position,
              ElementsAre(2, 0, 1, kNone));
  EXPECT_THAT(resolve(TextFormat::kTsv, with_columns("1,2,4,3"), {"1", "2", "3", "4"}).position,
              ElementsAre(0, 1, 3, 2));
}

TEST(RatingsFormat, TakesNamesFromAHeader) {
  const ColumnLayout known =
      resolve(TextFormat::kCsv, {}, {"timestamp", "Item_ID", "rating", "userId", "text"});
  EXPECT_TRUE(known.has_header);
  EXPECT_THAT(known.position, ElementsAre(3, 1, 2, 0));
  EXPECT_THAT(
      resolve(TextFormat::kCsv, with_columns("who,what,how"), {"how", "what", "who"}).position,
      ElementsAre(2, 1, 0, kNone));
  EXPECT_THAT(resolve(TextFormat::kInter, with_columns("user_id,item_id,rating"),
                      {"user_id:token", "item_id:token", "rating:float", "timestamp:float"})
                  .position,
              ElementsAre(0, 1, 2, kNone));
}

TEST(RatingsFormat, DoesNotTakeAFaultyRatingForAHeader) {
  EXPECT_FALSE(resolve(TextFormat::kCsv, {}, {"17", "4", "abc"}).has_header);
  RatingsFormat no_header;
  no_header.header = HeaderMode::kNo;
  EXPECT_FALSE(resolve(TextFormat::kCsv, no_header, {"alice", "b", "c"}).has_header);
}

TEST(RatingsFormat, RefusesColumnsThatAreNotThere) {
  const std::vector<std::string_view> header = {"user", "item", "stars"};
  const auto error = [&](std::string_view columns, std::vector<std::string_view> fields) {
    return input_error([&] { resolve(TextFormat::kCsv, with_columns(columns), fields); });
  };
  EXPECT_THAT(error("user,item,rating", header), HasSubstr("f:1: there is no column rating"));
  EXPECT_THAT(error("user,item,rating", header), HasSubstr("user, item, stars"));
  EXPECT_THAT(error("1,2,5", {"1", "2", "3"}), HasSubstr("expected at least 5 columns, found 3"));
  EXPECT_THAT(error("user,item,rating", {"1", "2", "3"}), HasSubstr("is not a header"));
  EXPECT_THAT(input_error([] {
                resolve(TextFormat::kCsv, {}, {"a", "b", "c"});
              }),
              HasSubstr("recognised as the user"));
  EXPECT_THAT(input_error([] {
                resolve(TextFormat::kCsv, {}, {"1", "2"});
              }),
              HasSubstr("expected at least 3 columns, found 2"));
}

TEST(RatingsFormat, ParsesTheColumnsOption) {
  EXPECT_THAT(parse_columns("u, i,r"), ElementsAre("u", "i", "r"));
  for (const char* text : {"", "u,i", "u,i,r,t,x", "u,,r", "u,i,u"})
    EXPECT_THAT(input_error([&] { parse_columns(text); }), HasSubstr("--columns")) << text;
}

TEST(RatingsFormat, FindsJsonKeys) {
  const std::vector<std::string> yelp = {"review_id", "user_id", "business_id", "stars", "date"};
  EXPECT_THAT(resolve_keys({}, yelp, "f:1"),
              ElementsAre("user_id", "business_id", "stars", "date"));
  const std::vector<std::string> amazon = {"reviewerID", "asin", "overall", "unixReviewTime"};
  EXPECT_THAT(resolve_keys(with_columns("reviewerID,asin,overall"), amazon, "f:1"),
              ElementsAre("reviewerID", "asin", "overall", ""));
  EXPECT_THAT(input_error([&] { resolve_keys(with_columns("1,2,3"), amazon, "f:1"); }),
              HasSubstr("give their names"));
}

TEST(RatingsFormat, NamesUndoThemselves) {
  for (const auto format : {TextFormat::kAuto, TextFormat::kCsv, TextFormat::kTsv,
                            TextFormat::kSemicolon, TextFormat::kPipe, TextFormat::kSpace,
                            TextFormat::kMovieLens, TextFormat::kInter, TextFormat::kJsonLines})
    EXPECT_EQ(value_named<TextFormat>(name_of(format)), format);
  for (const auto mode : {HeaderMode::kAuto, HeaderMode::kYes, HeaderMode::kNo})
    EXPECT_EQ(value_named<HeaderMode>(name_of(mode)), mode);
  EXPECT_FALSE(value_named<TextFormat>("xml"));
  EXPECT_EQ(value_named<DecimalMark>(","), DecimalMark::kComma);
  EXPECT_EQ(value_named<DecimalMark>(name_of(DecimalMark::kPoint)), DecimalMark::kPoint);
  EXPECT_FALSE(value_named<DecimalMark>(";"));
}

TEST(RatingsFormat, ChoosesTheSeparatorThatExplainsTheOthers) {
  // Commas that are decimal marks or quoted do not separate.
  EXPECT_EQ(detect_format("f", "1;17;3,5;1,2"), TextFormat::kSemicolon);
  EXPECT_EQ(detect_format("f", R"("1";"Me, you, and them";"3,5")"), TextFormat::kSemicolon);
  EXPECT_EQ(detect_format("f", R"("1";"say ""a, b, c""";"5")"), TextFormat::kSemicolon);
  EXPECT_EQ(detect_format("f", "1|2|3,5"), TextFormat::kPipe);
  // All others do.
  EXPECT_EQ(detect_format("f", "1,2,5,good; cheap; quick"), TextFormat::kCsv);
  EXPECT_EQ(detect_format("f", R"(1,2,5,"good; cheap; quick")"), TextFormat::kCsv);
  EXPECT_EQ(detect_format("f", "1,2,5,Drama|Comedy|War"), TextFormat::kCsv);
  EXPECT_EQ(detect_format("f", "1\ta;b;c\t5"), TextFormat::kTsv);
  // Blanks that make a rating do as well, unless both readings are ratings.
  EXPECT_EQ(detect_format("f", "1 10 5 a|b|c"), TextFormat::kSpace);
  EXPECT_EQ(detect_format("f", "1 10 5 a;b;c"), TextFormat::kSpace);
  EXPECT_EQ(detect_format("f", "Anna Maria von Berg;12;5"), TextFormat::kSemicolon);
  EXPECT_EQ(detect_format("f", "user 7;item 9;5"), TextFormat::kSemicolon);
  EXPECT_THAT(input_error([] { detect_format("f", "1 10 5 2021;03;05"); }),
              HasSubstr("--format space or --format semicolon"));
  EXPECT_THAT(input_error([] { detect_format("f", "1 10 5 12|7|3"); }),
              HasSubstr("--format space or --format pipe"));
}

TEST(RatingsFormat, TakesADecimalCommaForANumberNotAName) {
  EXPECT_FALSE(resolve(TextFormat::kSemicolon, {}, {"ann", "book", "3,5"}).has_header);
  EXPECT_TRUE(resolve(TextFormat::kSemicolon, {}, {"user", "item", "rating"}).has_header);
}

TEST(RatingsFormat, ReadsAHeaderBehindAMark) {
  EXPECT_THAT(resolve(TextFormat::kCsv, {}, {"#user", "item", "rating"}).position,
              ElementsAre(0, 1, 2, kNone));
  EXPECT_THAT(resolve(TextFormat::kCsv, {}, {"# user_id:token", "item", "rating"}).position,
              ElementsAre(0, 1, 2, kNone));
}

TEST(RatingsFormat, ShowsLittleOfLongLines) {
  const std::string name(100'000, 'n');
  const std::string_view view = name;
  EXPECT_LT(input_error([&] { detect_format("f", view); }).size(), 400U);
  EXPECT_LT(input_error([&] { resolve(TextFormat::kCsv, {}, {view, view, view}); }).size(), 400U);
  EXPECT_LT(input_error([&] {
              resolve(TextFormat::kCsv, with_columns("u,i,r"), {view, view, view});
            }).size(),
            400U);
  EXPECT_LT(input_error([&] {
              resolve(TextFormat::kCsv, with_columns("u,i,r"), {view, "1", view});
            }).size(),
            400U);
  EXPECT_LT(input_error([&] { resolve(TextFormat::kTsv, {}, {view}); }).size(), 400U);
}

}  // namespace
}  // namespace siren
