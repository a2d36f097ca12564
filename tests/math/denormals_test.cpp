// SPDX-License-Identifier: Apache-2.0
#include "math/denormals.hpp"

#include <cfenv>
#include <limits>
#include <vector>

#include <gtest/gtest.h>
#include <omp.h>

namespace siren {
namespace {

/// Per thread: whether half the smallest normal number is zero, as a result and as an operand.
std::vector<int> threads_that_flush(int threads) {
  std::vector<int> flushes(static_cast<std::size_t>(threads), 0);
#pragma omp parallel num_threads(threads)
  {
    volatile float smallest = std::numeric_limits<float>::min();
    volatile double smallest_double = std::numeric_limits<double>::min();
    volatile float denormal = std::numeric_limits<float>::denorm_min();
    const bool flushed = smallest * 0.5F == 0.0F && smallest_double * 0.5 == 0.0;
    flushes[static_cast<std::size_t>(omp_get_thread_num())] =
        flushed && denormal * 0x1p60F == 0.0F ? 1 : 0;
  }
  return flushes;
}

void restore(int threads) {
#pragma omp parallel num_threads(threads)
  std::fesetenv(FE_DFL_ENV);
}

TEST(FlushDenormals, TakesEffectOnEveryThread) {
  constexpr int kThreads = 3;
  omp_set_num_threads(kThreads);
  EXPECT_EQ(threads_that_flush(kThreads), std::vector<int>(kThreads, 0))
      << "another setting than the default at start";
  flush_denormals();
  EXPECT_EQ(threads_that_flush(kThreads), std::vector<int>(kThreads, 1));
  restore(kThreads);
  omp_set_num_threads(1);
}

TEST(FlushDenormals, IsInheritedByThreadsThatStartLater) {
  omp_set_num_threads(3);  // no more threads exist until here
  flush_denormals();
  EXPECT_EQ(threads_that_flush(5), std::vector<int>(5, 1));
  restore(5);
  omp_set_num_threads(1);
}

}  // namespace
}  // namespace siren
