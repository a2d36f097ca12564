// SPDX-License-Identifier: Apache-2.0
#include "siren/train/deadline.hpp"

#include <chrono>
#include <cstdlib>

#include <gtest/gtest.h>

#include "siren/core/error.hpp"

namespace siren {
namespace {

TEST(Deadline, ReadsTimeLimitsLikeBatchSystems) {
  EXPECT_EQ(parse_time_limit("90"), 5400.0);
  EXPECT_EQ(parse_time_limit("1:30"), 90.0);
  EXPECT_EQ(parse_time_limit("0:05"), 5.0);
  EXPECT_EQ(parse_time_limit("2:00:01"), 7201.0);
  EXPECT_EQ(parse_time_limit("1-12"), 129600.0);
  EXPECT_EQ(parse_time_limit("1-0:30"), 88200.0);
  EXPECT_EQ(parse_time_limit("2-01:00:07"), 176407.0);
  for (const char* wrong :
       {"", "0", "abc", "1:", ":5", "-3", "1:2:3:4", "1-1:2:3:4", "5m", "1 2", "0:00"})
    EXPECT_THROW(parse_time_limit(wrong), InputError) << wrong;
}

TEST(Deadline, ComesWithTheEarlierOfItsTwoReasons) {
  const std::chrono::duration<double> now = std::chrono::system_clock::now().time_since_epoch();
  EXPECT_FALSE(Deadline(std::nullopt, std::nullopt).within(1e9));
  EXPECT_FALSE(Deadline(100.0, std::nullopt).within(90.0));
  EXPECT_TRUE(Deadline(100.0, std::nullopt).within(101.0));
  EXPECT_TRUE(Deadline(100.0, now.count() + 20.0).within(30.0));
  EXPECT_FALSE(Deadline(100.0, now.count() + 200.0).within(90.0));
  EXPECT_TRUE(Deadline(std::nullopt, now.count() - 5.0).within(0.0));
}

TEST(Deadline, AsksTheBatchSystem) {
  ::setenv("SLURM_JOB_END_TIME", "1700000000", 1);
  EXPECT_EQ(end_of_batch_job(), 1.7e9);
  ::setenv("SLURM_JOB_END_TIME", "Unknown", 1);
  EXPECT_EQ(end_of_batch_job(), std::nullopt);
  ::unsetenv("SLURM_JOB_END_TIME");
  EXPECT_EQ(end_of_batch_job(), std::nullopt);
}

}  // namespace
}  // namespace siren
