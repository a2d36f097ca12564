// SPDX-License-Identifier: Apache-2.0
#include "observe/step_time.hpp"

#include <gtest/gtest.h>

namespace siren::test {
namespace {

/// Two ranks that send each other `rows` rows of 100 B in every layer, and 50 B of sums; nothing is
/// to be computed but two edges, one of them at a halo row.
LayoutPlan two_ranks(std::int64_t rows, int layers) {
  RankPlan rank;
  rank.edges = 2;
  rank.halo_edges = 1;
  rank.sum_bytes = 50;
  rank.work.edge_visits = 2 * layers * 2 * rank.edges;
  LayoutPlan plan{{rank, rank}, layers,        RowTraffic(2), 100, RowTraffic(2),
                  100,          RowTraffic(2), 100,           0};
  plan.layer_rows.add(0, 1, rows);
  plan.layer_rows.add(1, 0, rows);
  return plan;
}

/// An edge takes a second.
Machine slow_machine(double ranks_per_node) {
  TrainConfig config;
  Machine machine;
  machine.cores_per_node = ranks_per_node;
  machine.ranks_per_node = ranks_per_node;
  machine.gather_seconds = 1.0;
  machine.gather_row_bytes = static_cast<double>(config.dimension * 4);
  machine.bytes_per_second = machine.flops_per_second = machine.exps_per_second = 1.0;
  machine.in_node = {1000.0, 0.0};
  machine.between_nodes = {100.0, 0.5};
  return machine;
}

TEST(StepTime, IsThatOfComputingWhereNothingIsSent) {
  Machine machine = slow_machine(1);
  machine.between_nodes = {};
  const StepTime time = predict_step(two_ranks(3, 2), {}, machine);
  EXPECT_DOUBLE_EQ(time.step, 16.0);
  EXPECT_DOUBLE_EQ(time.compute, 16.0);
  EXPECT_DOUBLE_EQ(time.wire, 0.0);
}

/// An exchange of 1 row takes 1.5 s: the expand is there when two sums are made, the fold when all
/// are. One of 5 rows takes 5.5 s: sums of anchored rows and the fold wait for the expand.
TEST(StepTime, HidesExchangesBehindSums) {
  const Machine machine = slow_machine(1);
  const StepTime hidden = predict_step(two_ranks(1, 1), {}, machine);
  EXPECT_DOUBLE_EQ(hidden.wire, 2 * 2 * 1.5);
  EXPECT_DOUBLE_EQ(hidden.sum, 0.5 + 4 * 0.5);
  EXPECT_DOUBLE_EQ(hidden.step, 4.0 + 3.0 + hidden.sum);  // the backward's wire has 3 s of rows
  const StepTime waiting = predict_step(two_ranks(5, 1), {}, machine);
  EXPECT_DOUBLE_EQ(waiting.step, 2 * 5.5 + 2 * 5.5 + waiting.sum);
}

TEST(StepTime, TellsTheNodeFromTheNetwork) {
  const StepTime inside = predict_step(two_ranks(10, 1), {}, slow_machine(2));
  EXPECT_DOUBLE_EQ(inside.wire, 2 * 2 * 1.0);
  EXPECT_DOUBLE_EQ(inside.sum, 0.05);
  const StepTime outside = predict_step(two_ranks(10, 1), {}, slow_machine(1));
  EXPECT_DOUBLE_EQ(outside.wire, 2 * 2 * 10.5);
}

/// Its connection carries the rows of both ranks of a node.
TEST(StepTime, SharesTheConnectionOfANode) {
  RankPlan rank;
  rank.edges = 1;
  LayoutPlan plan{
      {rank, rank, rank, rank}, 1, RowTraffic(4), 100, RowTraffic(4), 100, RowTraffic(4), 100, 0};
  plan.layer_rows.add(0, 2, 3);
  plan.layer_rows.add(1, 3, 2);
  EXPECT_DOUBLE_EQ(predict_step(plan, {}, slow_machine(2)).wire, 2 * 2 * (5.0 + 0.5));
}

}  // namespace
}  // namespace siren::test
