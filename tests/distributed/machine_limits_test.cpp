// SPDX-License-Identifier: Apache-2.0
#include "distributed/machine_limits.hpp"

#include <cmath>

#include <gtest/gtest.h>

#include "support/share.hpp"

namespace siren::test {
namespace {

// How large they are is the machine's affair; that they are figures is ours.
TEST(MachineLimits, AreMeasuredOnEveryRank) {
  const Communicator comm = Communicator::world();
  TrainConfig config;
  const auto share =
      make_share(comm, random_ratings(45, 37, 0.3, 5), config, "block", Travel::kItems);
  const MachineLimits limits =
      measure_limits(comm, kernels<Bf16>(best_isa()), share->graph, 20, 100'000);
  for (const double limit : {limits.gather_seconds, limits.flops_per_second,
                             limits.bytes_per_second, limits.exps_per_second})
    EXPECT_TRUE(std::isfinite(limit) && limit > 0.0) << limit;
}

TEST(MachineLimits, OfAGraphWithoutEdgesNothingIsGathered) {
  const Communicator comm = Communicator::world();
  TrainConfig config;
  const auto share =
      make_share(comm, random_ratings(8, 8, 0.0, 5), config, "block", Travel::kItems);
  const MachineLimits limits = measure_limits(comm, kernels<Fp32>(best_isa()), share->graph, 64, 0);
  EXPECT_EQ(limits.gather_seconds, 0.0);
  EXPECT_GT(limits.bytes_per_second, 0.0);
}

}  // namespace
}  // namespace siren::test
