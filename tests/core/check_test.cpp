// SPDX-License-Identifier: Apache-2.0
#include "siren/check.hpp"

#include <csignal>

#include <gtest/gtest.h>

namespace siren {
namespace {

TEST(CheckDeathTest, AFalseAssertionAbortsWithExpressionPlaceAndValues) {
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  const int row = 3;
  const int rows = 2;
  EXPECT_EXIT(SIREN_ASSERT(row < rows, "row {} of {}", row, rows),
              ::testing::KilledBySignal(SIGABRT),
              "internal error: row < rows does not hold at .*check_test.cpp:[0-9]+ .*row 3 of 2");
}

TEST(Check, ATrueAssertionEvaluatesItsExpressionOnceAndNoMessage) {
  int evaluated = 0;
  int formatted = 0;
  SIREN_ASSERT(++evaluated == 1, "{}", ++formatted);
  EXPECT_EQ(evaluated, 1);
  EXPECT_EQ(formatted, 0);
}

TEST(Check, IsOneStatement) {
  bool other_branch = false;
  if (other_branch)
    SIREN_ASSERT(false, "not reached");
  else
    other_branch = true;
  EXPECT_TRUE(other_branch);
}

TEST(CheckDeathTest, HeavyAssertionsCountOnlyWhereCompiledIn) {
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  int evaluated = 0;
  SIREN_ASSERT_HEAVY(++evaluated > 0, "{}", evaluated);
  EXPECT_EQ(evaluated, kHeavyChecks ? 1 : 0);
  if (kHeavyChecks) {
    EXPECT_EXIT(SIREN_ASSERT_HEAVY(evaluated < 0, "{}", evaluated),
                ::testing::KilledBySignal(SIGABRT), "evaluated < 0");
  }
}

}  // namespace
}  // namespace siren
