// SPDX-License-Identifier: Apache-2.0
#include "ingest/json_rating.hpp"

#include <gmock/gmock.h>

namespace siren {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const KeyLayout kKeys = {"u", "i", "r", ""};

TEST(JsonRating, PicksTheWantedMembers) {
  JsonFields fields;
  ASSERT_TRUE(read_json_fields(R"({"x": [1, {"u": "no"}], "r": 4.50, "u": "al\u00e9", "i": 17})",
                               kKeys, fields));
  EXPECT_THAT(fields.text, ElementsAre("al\xc3\xa9", "17", "4.50", ""));
  EXPECT_THAT(fields.found, ElementsAre(true, true, true, false));
}

TEST(JsonRating, IgnoresMembersOfInnerObjects) {
  JsonFields fields;
  ASSERT_TRUE(read_json_fields(R"({"meta": {"u": "inner", "r": 1}, "u": "outer"})", kKeys, fields));
  EXPECT_EQ(fields.text[kUserColumn], "outer");
  EXPECT_FALSE(fields.found[kRatingColumn]);
}

TEST(JsonRating, ForgetsTheLastObject) {
  JsonFields fields;
  ASSERT_TRUE(read_json_fields(R"({"u": "a", "i": "b", "r": 1})", kKeys, fields));
  ASSERT_TRUE(read_json_fields(R"({"u": "c"})", kKeys, fields));
  EXPECT_THAT(fields.found, ElementsAre(true, false, false, false));
}

TEST(JsonRating, RefusesWhatIsNoRatingObject) {
  JsonFields fields;
  for (const char* line :
       {"", "17", "[1]", "{", R"({"u": "a"} x)", R"({"u": true})", R"({"r": null})",
        R"({"i": ["a"]})", R"({"i": {}})", R"({'u': 'a'})", R"({"r": NaN})"})
    EXPECT_FALSE(read_json_fields(line, kKeys, fields)) << line;
}

TEST(JsonRating, ListsKeysInOrder) {
  EXPECT_THAT(json_keys(R"({"b": 1, "a": {"c": 2}})"), ElementsAre("b", "a"));
  EXPECT_THAT(json_keys("[1]"), IsEmpty());
  EXPECT_THAT(json_keys("{broken"), IsEmpty());
}

}  // namespace
}  // namespace siren
