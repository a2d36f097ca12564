// SPDX-License-Identifier: Apache-2.0
#include "siren/io/json_lines.hpp"

#include <sstream>
#include <vector>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "siren/core/error.hpp"

namespace siren {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Outcome {
  std::vector<std::string> events;
  bool whole = true;
  std::string message;
};

Outcome outcome_of(const std::string& text) {
  Outcome outcome;
  std::istringstream lines(text);
  try {
    outcome.whole = each_event(lines, "m.jsonl", [&](const nlohmann::ordered_json& event) {
      outcome.events.push_back(event.at("event").get<std::string>());
    });
  } catch (const InputError& error) {
    outcome.message = error.what();
  }
  return outcome;
}

TEST(EachEvent, VisitsEveryLine) {
  const Outcome outcome = outcome_of("{\"event\":\"a\"}\n{\"event\":\"b\"}");
  EXPECT_THAT(outcome.events, ElementsAre("a", "b"));
  EXPECT_TRUE(outcome.whole);
}

TEST(EachEvent, LeavesOutOnlyALastLineWithoutItsEnd) {
  const Outcome cut = outcome_of("{\"event\":\"a\"}\n{\"ev");
  EXPECT_THAT(cut.events, ElementsAre("a"));
  EXPECT_FALSE(cut.whole);
  EXPECT_THAT(outcome_of("{\"event\":\"a\"}\n{\"ev\n").message,
              HasSubstr("m.jsonl:2: not a JSON object; the file is damaged"));
}

TEST(EachEvent, NamesTheLineThatCannotBeTaken) {
  for (const char* odd : {"5\n", "null\n", "[]\n", "{}\n", "{\"event\":null}\n"})
    EXPECT_THAT(outcome_of(odd).message, HasSubstr("m.jsonl:1: not an event of siren train"))
        << odd;
}

TEST(JsonLine, ReplacesBytesThatAreNotUtf8) {
  EXPECT_EQ(json_line({{"path", "a\xff/b"}}), "{\"path\":\"a\xEF\xBF\xBD/b\"}");
}

}  // namespace
}  // namespace siren
