// SPDX-License-Identifier: Apache-2.0
#include "train/deadline.hpp"

#include <chrono>
#include <cstdlib>

#include <gmock/gmock.h>

#include "siren/error.hpp"

namespace siren {
namespace {

using ::testing::HasSubstr;

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

TEST(Deadline, NamesItsReason) {
  const std::chrono::duration<double> now = std::chrono::system_clock::now().time_since_epoch();
  EXPECT_THAT(std::string(Deadline(100.0, std::nullopt).reason()), HasSubstr("--time-limit"));
  EXPECT_THAT(std::string(Deadline(100.0, now.count() + 200.0).reason()),
              HasSubstr("--time-limit"));
  EXPECT_THAT(std::string(Deadline(100.0, now.count() + 20.0).reason()),
              HasSubstr("SLURM_JOB_END_TIME"));
}

TEST(Deadline, AsksTheBatchSystem) {
  ::setenv("SLURM_JOB_END_TIME", "4000000000", 1);
  EXPECT_EQ(end_of_batch_job(), 4e9);
  for (const char* ignored :
       {"1700000000", "0", "Unknown", "", "12 o'clock", "-5", "4000000000 "}) {
    ::setenv("SLURM_JOB_END_TIME", ignored, 1);
    EXPECT_EQ(end_of_batch_job(), std::nullopt) << ignored;
    EXPECT_FALSE(job_deadline("").within(1e9)) << ignored;
  }
  ::unsetenv("SLURM_JOB_END_TIME");
  EXPECT_EQ(end_of_batch_job(), std::nullopt);
}

}  // namespace
}  // namespace siren
