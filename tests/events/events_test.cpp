// SPDX-License-Identifier: Apache-2.0
#include "events/events.hpp"

#include <cmath>
#include <functional>
#include <limits>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "events/json.hpp"
#include "support/temp_folder.hpp"

namespace siren {
namespace {

using test::input_error;
using test::TempFolder;
using ::testing::HasSubstr;
using Json = nlohmann::ordered_json;

EvaluationReport evaluation() {
  EvaluationReport report;
  report.split = "test";
  report.mask = "train+valid";
  report.users = 9;
  report.disliking_users = 8;
  report.auc_users = 7;
  report.cutoffs = {5, 10};
  for (const std::string& name : metric_names(report.cutoffs))
    report.metrics.push_back({name, 0.5});
  report.groups = {{"<20", 9, report.metrics}};
  report.exposure = {{"coverage@5", 0.25}};
  report.candidates = 6;
  report.also_in_train = 5;
  report.also_in_valid = 4;
  report.ties = {3, 2, 1};
  report.seconds = 0.125;
  return report;
}

/// One of each kind, without a field at its default.
std::vector<Event> all_kinds() {
  RankStart rank{"h1", "0-1", 0, 1, 2, 3, 4, 5, 6, 7};
  StartEvent start{"0.2.0", "Release", "MPI", "1.10.8", "funneled", 2, "avx2", {{rank}}};
  MemoryEvent memory;
  memory.bytes_per_rank = {{"tables", 10}, {"ids", 5}};
  memory.rows_sent_per_layer = 7;
  memory.steps_per_epoch = 3;
  memory.train = TrainFacts{1, 2, 3, 4, 5, 3.5};
  memory.dataset_hash = "abc";
  memory.ranks = 2;
  memory.by_rank = {{1, 2, 3, 4, 5}, {6, 7, 8, 9, 10}};
  EpochReport epoch{4, 12, 3, 100, 1, 0.5, 0.25, 2.0, {{"wait", 1.0, 2.0, 3.0, {40, 4}}}};
  epoch.polarity = PolarityReport{0.7, 0.1};
  std::vector<PhaseCounts> counts(2);
  counts[1].seconds[0] = 3.0;
  counts[1].sent[1] = {5, 4};
  return {start,
          memory,
          StepEvent{3, 1, 64, 0.5, 0.25},
          epoch,
          EvalEvent{2, evaluation()},
          CheckpointReport{5, "step-000000005.h5", 0.5, 1000, 0.25},
          ResumeEvent{5, 2},
          InterruptedEvent{6, "by SIGTERM"},
          FailedEvent{7, "the loss is NaN"},
          rank_report(9, {"h1", "h2"}, counts),
          FinalEvent{8, evaluation()},
          LambdaEvent{
              8, "near-best", "valid", 1.5, {{0.0, 0.3, 0.1, 0.7}, {1.5, 0.29, 0.05, 0.75}}, 1000}};
}

TEST(Events, AreReadAsTheyWereWritten) {
  const std::vector<Event> events = all_kinds();
  ASSERT_EQ(events.size(), std::variant_size_v<Event>);
  const TempFolder folder;
  {
    EventLog log(folder.path("m.jsonl"));
    for (const Event& event : events) log.write(event);
  }
  std::istringstream lines(folder.read("m.jsonl"));
  std::vector<Event> back;
  EXPECT_TRUE(each_event(lines, "m.jsonl", [&](const Event& event) { back.push_back(event); }));
  ASSERT_EQ(back.size(), events.size());
  for (std::size_t e = 0; e < events.size(); ++e)
    EXPECT_EQ(back[e], events[e]) << to_json(events[e]);
}

TEST(Events, NobodyToEvaluateIsNull) {
  FinalEvent event{8, evaluation()};
  event.report.metrics[0].value = std::numeric_limits<double>::quiet_NaN();
  const Json json = Json::parse(json_line(to_json(event)));
  EXPECT_TRUE(json["metrics"]["P@5"].is_null());
  EXPECT_TRUE(std::isnan(std::get<FinalEvent>(*event_from_json(json)).report.metric("P@5")));
}

TEST(Events, OfOtherVersionsAreRead) {
  EXPECT_FALSE(event_from_json({{"event", "note"}, {"text", "of a later version"}}));
  EpochReport epoch;
  epoch.epoch = 4;
  epoch.step = 12;
  Json json = to_json(epoch);
  json["more"] = 1;
  json.erase("steps");  // version 0.1.0 wrote none
  json.erase("skipped");
  EXPECT_EQ(event_from_json(json).value(), Event(epoch));
}

TEST(Events, RefuseValuesThatNoRunWrites) {
  const auto message = [](const std::string& line) {
    std::istringstream lines(line + "\n");
    return input_error([&] { each_event(lines, "m.jsonl", [](const Event&) {}); });
  };
  const std::string memory =
      R"({"event":"memory","ranks":3,"bytes_per_rank":{},"rows_sent_per_layer":0,"by_rank":{"users":[1]}})";
  EXPECT_THAT(message(memory),
              HasSubstr("m.jsonl:1: not an event of siren train (1 values for 3 ranks"));
  const std::string use =
      R"({"event":"memory","ranks":1,"rows_sent_per_layer":0,"bytes_per_rank":{"a":)";
  for (const char* bytes : {"-1", "9223372036854775807", "9007199254740993"})
    EXPECT_THAT(message(use + bytes + "}}"), HasSubstr("is no count of a run")) << bytes;
  std::string many = use + "0";
  for (int k = 0; k < 1000; ++k) many += ",\"k" + std::to_string(k) + "\":9007199254740992";
  EXPECT_THAT(message(many + "}}"), HasSubstr("1001 kinds of memory"));
  EXPECT_THAT(message("[1]"), HasSubstr("m.jsonl:1: not an event"));
  EXPECT_THAT(message(R"({"event":"step","step":1,"epoch":-1,"ratings":1,"loss":1,"reg":1})"),
              HasSubstr("epoch -1"));
  EXPECT_THAT(message(R"({"event":"step","step":1,"epoch":1,"ratings":1,"loss":1e308,"reg":1})"),
              HasSubstr("1e+308 is no figure"));
}

}  // namespace
}  // namespace siren
