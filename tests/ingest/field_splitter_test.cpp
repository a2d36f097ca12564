// SPDX-License-Identifier: Apache-2.0
#include "ingest/field_splitter.hpp"

#include <string>
#include <vector>

#include <gmock/gmock.h>

namespace siren {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> split(Delimiter delimiter, std::string_view record) {
  FieldSplitter splitter(delimiter);
  EXPECT_TRUE(splitter.split(record));
  return {splitter.fields().begin(), splitter.fields().end()};
}

TEST(FieldSplitter, SplitsAtEachDelimiter) {
  EXPECT_THAT(split(Delimiter::kComma, "1,a b, 3 ,"), ElementsAre("1", "a b", "3", ""));
  EXPECT_THAT(split(Delimiter::kTab, "1\t\tx, y"), ElementsAre("1", "", "x, y"));
  EXPECT_THAT(split(Delimiter::kBlanks, "  1 2\t 3 "), ElementsAre("1", "2", "3"));
  EXPECT_THAT(split(Delimiter::kDoubleColon, "1::a:b::3::"), ElementsAre("1", "a:b", "3", ""));
}

TEST(FieldSplitter, FollowsRfc4180Quotes) {
  EXPECT_THAT(split(Delimiter::kComma, R"("a,b",2,"say ""hi""")"),
              ElementsAre("a,b", "2", "say \"hi\""));
  EXPECT_THAT(split(Delimiter::kComma, R"( "a" ,"","  ")"), ElementsAre("a", "", "  "));
  EXPECT_THAT(split(Delimiter::kComma, "\"two\nlines\",2"), ElementsAre("two\nlines", "2"));
}

TEST(FieldSplitter, LeavesQuotesInsideAFieldAlone) {
  EXPECT_THAT(split(Delimiter::kComma, R"(7" disc,"x")"), ElementsAre("7\" disc", "x"));
  EXPECT_THAT(split(Delimiter::kTab, "\"a\t2"), ElementsAre("\"a", "2"));
}

TEST(FieldSplitter, AsksForMoreWhenAQuoteStaysOpen) {
  FieldSplitter splitter(Delimiter::kComma);
  EXPECT_FALSE(splitter.split("1,\"open"));
  EXPECT_FALSE(splitter.split("1,\"open \"\""));
  EXPECT_TRUE(splitter.split("1,\"open\n\""));
}

TEST(FieldSplitter, ForgetsTheLastRecord) {
  FieldSplitter splitter(Delimiter::kComma);
  splitter.split("1,2,3,4");
  splitter.split("\"x\",y");
  EXPECT_THAT(std::vector<std::string>(splitter.fields().begin(), splitter.fields().end()),
              ElementsAre("x", "y"));
}

TEST(FieldSplitter, QuotesWithEachSeparator) {
  EXPECT_THAT(split(Delimiter::kSemicolon, R"("a;b";"3,5"; 7)"), ElementsAre("a;b", "3,5", "7"));
  EXPECT_THAT(split(Delimiter::kPipe, "1|a;b,c|5"), ElementsAre("1", "a;b,c", "5"));
  EXPECT_THAT(split(Delimiter::kPipe, R"("a|b"|"c""d")"), ElementsAre("a|b", "c\"d"));
}

}  // namespace
}  // namespace siren
