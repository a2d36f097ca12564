// SPDX-License-Identifier: Apache-2.0
#include "events/start.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace siren {
namespace {

using testing::HasSubstr;

RankStart rank_on(const char* host, int node, std::int64_t edges, std::int64_t bytes) {
  RankStart rank;
  rank.host = host;
  rank.processors = "0-1";
  rank.node = node;
  rank.rows = 10;
  rank.halo_rows = 1000 + edges;
  rank.rows_sent = 2000;
  rank.edges = edges;
  rank.bytes = bytes;
  rank.node_available = 5'000'000;
  return rank;
}

StartReport example() {
  return {{rank_on("n1", 0, 30, 1'000'000), rank_on("n2", 1, 60, 2'000'000),
           rank_on("n2", 1, 0, 2'500'000)}};
}

TEST(StartReport, CountsNodesAndComparesRanks) {
  EXPECT_EQ(example().nodes(), 2);
  EXPECT_DOUBLE_EQ(example().balance(&RankStart::edges), 2.0);
  EXPECT_DOUBLE_EQ(example().balance(&RankStart::rows), 1.0);
  EXPECT_DOUBLE_EQ(example().balance(&RankStart::ratings), 1.0) << "nobody has any";
}

TEST(StartReport, AsJson) {
  StartEvent event;
  event.where = example();
  const nlohmann::ordered_json json = to_json(event);
  EXPECT_EQ(json["hosts"], nlohmann::ordered_json({"n1", "n2", "n2"}));
  EXPECT_EQ(json["edges"], nlohmann::ordered_json({30, 60, 0}));
  EXPECT_EQ(json["bytes"], nlohmann::ordered_json({1'000'000, 2'000'000, 2'500'000}));
  ASSERT_EQ(json["nodes"].size(), 2U);
  EXPECT_EQ(json["nodes"][1]["host"], "n2");
  EXPECT_EQ(json["nodes"][1]["ranks"], 2);
  EXPECT_EQ(json["nodes"][1]["bytes"], 4'500'000);
  EXPECT_EQ(json["nodes"][1]["available"], 5'000'000);
}

TEST(StartReport, ForPeople) {
  const std::vector<std::string> lines = format_report(example());
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[0], "3 rank(s) on 2 node(s), each on processors 0-1");
  EXPECT_THAT(lines[1], HasSubstr("edges 2.00, ratings 1.00; halo 1,060 rows, 2,000 sent"));
  EXPECT_EQ(lines[2], "memory per node, at most 4.5 MB for 2 rank(s) on n2; 5.0 MB are left there");
  StartReport unknown = example();
  for (RankStart& rank : unknown.ranks) rank.node_available = 0;
  EXPECT_EQ(format_report(unknown)[2], "memory per node, at most 4.5 MB for 2 rank(s) on n2");
  StartReport bound = example();
  bound.ranks[2].processors = "2";
  EXPECT_THAT(format_report(bound)[0], HasSubstr("rank 1 on n2: 0-1, rank 2 on n2: 2"));
}

TEST(StartEvent, IsReadBack) {
  const StartEvent event{"0.2.0", "Release", "MPI", "1.10.8", "funneled", 2, "avx512", example()};
  EXPECT_EQ(start_from_json(to_json(event)), event);
}

}  // namespace
}  // namespace siren
