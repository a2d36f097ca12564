// SPDX-License-Identifier: Apache-2.0
#include "train/step_work.hpp"

#include <gtest/gtest.h>

namespace siren::test {
namespace {

/// d = 20 is padded to 32; ten rows, four of them needed.
TrainConfig small() {
  TrainConfig config;
  config.dimension = 20;
  config.layers = 3;
  config.mlp_layers = 2;
  config.negatives = 5;
  return config;
}

const StepShare kShare{10, 4, 42, 4, 2};

TEST(StepWork, CountsByHand) {
  const WorkDone work = step_work(small(), kShare);
  EXPECT_EQ(work.batch_visits, 3 * 42);
  EXPECT_EQ(work.score_flops, 0);
  EXPECT_EQ(work.exponentials, 0);
  EXPECT_EQ(work.needed_rows, 4);
  EXPECT_EQ(work.flops, 3 * (2 + 2) * 2 * 4 * 32 * 32);
  const std::int64_t forward = 10 * 32 * 4 + 3 * 10 * 32 * 2 + (1 + 2 * 3) * 4 * 32 * 4;
  const std::int64_t adjoint = 10 * 32 * 4 + 3 * 10 * 32 * 2 + (1 + 3) * 4 * 32 * 4;
  EXPECT_EQ(work.layer_bytes, forward + adjoint);
  EXPECT_EQ(work.adam_bytes, ((7 + 6) * 10 + 4) * 32 * 4);
  EXPECT_EQ(work.edge_visits, 0) << "known to the graph only";
}

TEST(StepWork, SoftmaxMultipliesUsersAndItems) {
  TrainConfig config = small();
  config.loss = LossKind::kSoftmax;
  const WorkDone work = step_work(config, kShare);
  EXPECT_EQ(work.batch_visits, 0);
  EXPECT_EQ(work.score_flops, 3 * 2 * 42 * 32);
  EXPECT_EQ(work.exponentials, 42);
}

TEST(StepWork, PolarityVisitsNarrowerRows) {
  TrainConfig config = small();
  config.polarity_dimension = 10;  // and two more columns: 16 of 32
  WorkDone work;
  work.batch_visits = 5;
  work.adam_bytes = 7;
  add_polarity_work(config, {30, 20, 8, 4}, work);
  EXPECT_EQ(work.batch_visits, 5 + 4 * 30 / 2);
  EXPECT_EQ(work.adam_bytes, 7 + (6 * 20 + 8) * 16 * 4);
  EXPECT_EQ(work.flops, 0);
  config.polarity_layers = 2;
  add_polarity_work(config, {30, 20, 8, 4}, work);
  EXPECT_EQ(work.flops, 3 * 2 * 2 * 8 * 16 * 16);
}

TEST(StepWork, OtherModelsDoLess) {
  TrainConfig config = small();
  config.no_attention = true;
  EXPECT_EQ(step_work(config, kShare).flops, 3 * 2 * 2 * 4 * 32 * 32);
  config.model = ModelKind::kLightGcn;
  EXPECT_EQ(step_work(config, kShare).flops, 0);
  EXPECT_EQ(step_work(config, kShare).adam_bytes, 7 * 10 * 32 * 4);
  config.model = ModelKind::kMatrixFactors;
  EXPECT_LT(step_work(config, kShare).layer_bytes, step_work(small(), kShare).layer_bytes);
}

}  // namespace
}  // namespace siren::test
