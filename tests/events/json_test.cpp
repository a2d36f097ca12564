// SPDX-License-Identifier: Apache-2.0
#include "events/json.hpp"

#include <limits>
#include <sstream>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "siren/error.hpp"

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
    outcome.whole = each_line(lines, "m.jsonl", [&](const nlohmann::ordered_json& event) {
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

TEST(EachEvent, TakesLinesOfAnyUsualLength) {
  for (const std::size_t length : {4093UL, 4094UL, 4095UL, 4096UL, 4097UL, 100000UL}) {
    const std::string name(length - std::string_view("{\"event\":\"\"}").size(), 'x');
    const std::string line = fmt::format("{{\"event\":\"{}\"}}", name);
    EXPECT_THAT(outcome_of(fmt::format("{}\n{}", line, line)).events, ElementsAre(name, name))
        << length;
    EXPECT_THAT(outcome_of(line + "\n{\"event\":\"b\"}\n").events, ElementsAre(name, "b"));
  }
}

TEST(EachEvent, RefusesWhatIsTooLongOrTooDeep) {
  const std::string deep(100000, '[');
  EXPECT_THAT(outcome_of("{\"event\":" + deep + "\n").message, HasSubstr("m.jsonl:1:"));
  EXPECT_THAT(outcome_of("{\"event\":" + deep + std::string(100000, ']') + "}\n").message,
              HasSubstr("m.jsonl:1: not an event of siren train (nested too deep)"));
  EXPECT_THAT(outcome_of("{\"event\":\"\\\"" + deep + "\"}\n").events, ElementsAre("\"" + deep));
  EXPECT_THAT(outcome_of(std::string((64 << 20) + 5000, ' ')).message,
              HasSubstr("more than 64 MB"));
}

TEST(WholeNumber, IsNoOther) {
  EXPECT_EQ(whole_number(-3), -3);
  EXPECT_EQ(whole_number(std::numeric_limits<std::int64_t>::max()),
            std::numeric_limits<std::int64_t>::max());
  for (const nlohmann::ordered_json& odd :
       {nlohmann::ordered_json(1e300), nlohmann::ordered_json(1.0), nlohmann::ordered_json("1"),
        nlohmann::ordered_json(nullptr),
        nlohmann::ordered_json(std::numeric_limits<std::uint64_t>::max())})
    EXPECT_THROW(whole_number(odd), InputError) << odd;
}

TEST(JsonLine, ReplacesBytesThatAreNotUtf8) {
  EXPECT_EQ(json_line({{"path", "a\xff/b"}}), "{\"path\":\"a\xEF\xBF\xBD/b\"}");
}

}  // namespace
}  // namespace siren
