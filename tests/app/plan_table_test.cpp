// SPDX-License-Identifier: Apache-2.0
#include "app/plan_table.hpp"

#include <gtest/gtest.h>

namespace siren::test {
namespace {

PlanLine line(std::int64_t ranks, double step, std::int64_t missing = 0, std::int64_t rows = 0) {
  PlanLine made;
  made.ranks = ranks;
  made.partition = "block";
  made.travel = "items";
  made.time.step = step;
  made.missing = missing;
  made.node_bytes = 8'000'000'000 + missing;
  made.rows_sent = rows;
  return made;
}

TEST(PlanTable, RecommendsTheFewestRanksThatAreAboutAsFast) {
  const std::vector<PlanLine> lines = {line(4, 9.0), line(8, 5.4), line(8, 5.3), line(16, 5.0),
                                       line(32, 4.0, 1)};
  EXPECT_EQ(recommended(lines), 2U);
  EXPECT_NE(recommendation(lines).find("Recommended: 8 rank(s) with --partition block"),
            std::string::npos);
}

TEST(PlanTable, PrefersFewerRowsAtEqualTimes) {
  EXPECT_EQ(recommended(std::vector{line(4, 5.0, 0, 20), line(4, 5.0, 0, 10)}), 1U);
}

TEST(PlanTable, RecommendsNothingThatDoesNotFit) {
  const std::vector<PlanLine> lines = {line(2, 1.0, 500'000'000)};
  EXPECT_FALSE(recommended(lines).has_value());
  Machine machine;
  machine.ranks_per_node = 2;
  machine.memory_per_node = 8e9;
  EXPECT_EQ(refusals(lines, machine, 4),
            "2 rank(s) with --partition block --travel items do not fit: a node's 2 rank(s) need "
            "8.5 GB but it has 8.0 GB, 500.0 MB are missing; 4 ranks would fit\n");
  EXPECT_NE(refusals(lines, machine, 0).find("no number of ranks that was tried fits"),
            std::string::npos);
}

}  // namespace
}  // namespace siren::test
