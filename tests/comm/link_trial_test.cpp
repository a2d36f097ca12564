// SPDX-License-Identifier: Apache-2.0
#include "comm/link_trial.hpp"

#include <gtest/gtest.h>

namespace siren::test {
namespace {

/// Here all ranks are on one node. All are told the same.
TEST(LinkTrial, FindsTheLinksThatThereAre) {
  const Communicator comm = Communicator::world();
  const LinkTrials trials = try_links(comm);
  EXPECT_EQ(trials.in_node.bytes_per_second > 0.0, comm.size() > 1);
  EXPECT_EQ(trials.in_node.latency_seconds > 0.0, comm.size() > 1);
  EXPECT_EQ(trials.between_nodes.bytes_per_second, 0.0);
  const double mine = trials.in_node.bytes_per_second;
  EXPECT_EQ(comm.all_reduce(mine, Reduction::kMax), mine);
  EXPECT_EQ(comm.all_reduce(mine, Reduction::kMin), mine);
}

}  // namespace
}  // namespace siren::test
