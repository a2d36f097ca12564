// SPDX-License-Identifier: Apache-2.0
#include "comm/difference.hpp"

#include <gtest/gtest.h>

namespace siren {
namespace {

TEST(Difference, ThereIsNoneAmongEqualTexts) {
  const Communicator comm = Communicator::world();
  EXPECT_FALSE(find_difference(comm, "the same").has_value());
  EXPECT_FALSE(find_difference(comm, "").has_value());
}

TEST(Difference, IsThatOfTheLowestRankThatHasOneAndAllKnowIt) {
  const Communicator comm = Communicator::world();
  const std::string mine =
      comm.rank() == 0 ? "root's" : "a longer text of rank " + std::to_string(comm.rank());
  for (const int first : {1, 2, 3}) {
    const auto found = find_difference(comm, comm.rank() < first ? "root's" : mine);
    EXPECT_EQ(found.has_value(), comm.size() > first);
    if (!found) continue;
    EXPECT_EQ(found->rank, first);
    EXPECT_EQ(found->text, "a longer text of rank " + std::to_string(first));
    EXPECT_EQ(found->text_of_root, "root's");
  }
}

}  // namespace
}  // namespace siren
