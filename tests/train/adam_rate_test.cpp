// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include <gtest/gtest.h>

#include "siren/error.hpp"
#include "train/adam.hpp"

namespace siren {
namespace {

TrainConfig config(const char* schedule, std::int64_t steps, std::int64_t warm_up) {
  TrainConfig c;
  c.learning_rate = 0.25;
  c.lr_schedule = value_named<LrSchedule>(schedule).value();
  c.lr_steps = steps;
  c.lr_warm_up = warm_up;
  return c;
}

TEST(LearningRate, StaysUnlessASchedule) {
  for (const std::int64_t step : {1, 2, 1000, 1'000'000})
    EXPECT_EQ(learning_rate(config("constant", 0, 0), step), 0.25);
}

TEST(LearningRate, RisesInEqualStepsToItsFullValue) {
  const TrainConfig c = config("constant", 0, 5);
  for (std::int64_t step = 1; step <= 5; ++step)
    EXPECT_DOUBLE_EQ(learning_rate(c, step), 0.05 * static_cast<double>(step));
  EXPECT_EQ(learning_rate(c, 6), 0.25);
}

TEST(LearningRate, FallsOnHalfACosine) {
  const TrainConfig c = config("cosine", 100, 0);
  EXPECT_EQ(learning_rate(c, 1), 0.25);
  EXPECT_NEAR(learning_rate(c, 51), 0.125, 1e-15);                         // half of the way
  EXPECT_NEAR(learning_rate(c, 26), 0.125 * (1 + std::sqrt(0.5)), 1e-15);  // a quarter
  for (std::int64_t step = 2; step <= 100; ++step)
    EXPECT_LT(learning_rate(c, step), learning_rate(c, step - 1)) << step;
  EXPECT_GT(learning_rate(c, 100), 0.0);  // the last step moves, too
  EXPECT_EQ(learning_rate(c, 1000), learning_rate(c, 100));
}

TEST(LearningRate, WarmUpScalesTheCosine) {
  EXPECT_DOUBLE_EQ(learning_rate(config("cosine", 100, 10), 5),
                   0.5 * learning_rate(config("cosine", 100, 0), 5));
}

}  // namespace
}  // namespace siren
