// SPDX-License-Identifier: Apache-2.0
// Runs that the harness must report as failed (and one that it must not); see mpi_main_test.py.
#include <stdexcept>

#include <gtest/gtest.h>

#include "siren/communicator.hpp"

namespace siren {
namespace {

TEST(Case, Passes) {
  const Communicator comm = Communicator::world();
  EXPECT_EQ(comm.all_reduce(1, Reduction::kSum), comm.size());
}

TEST(Case, FailsOnRankOne) {
  const Communicator comm = Communicator::world();
  EXPECT_NE(comm.rank(), 1) << "first line\nsecond line";
}

TEST(Case, FailsOnEveryRank) {
  const Communicator comm = Communicator::world();
  ADD_FAILURE() << "said by " << comm.rank();
}

TEST(Case, ThrowsOnRankOneWhileOthersWait) {
  const Communicator comm = Communicator::world();
  EXPECT_NE(comm.rank(), 1) << "before the exception";
  if (comm.rank() == 1) throw std::runtime_error("thrown on purpose");
  comm.barrier();
}

TEST(Case, RankOneLeavesWhileOthersWait) {
  const Communicator comm = Communicator::world();
  ASSERT_NE(comm.rank(), 1) << "left early";
  comm.barrier();
}

class SuiteSetUp : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (Communicator::world().rank() == 1) ADD_FAILURE() << "while setting up";
  }
};

TEST_F(SuiteSetUp, FailsOnRankOne) {}

}  // namespace
}  // namespace siren
