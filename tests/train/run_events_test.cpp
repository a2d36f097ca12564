// SPDX-License-Identifier: Apache-2.0
#include "train/run_events.hpp"

#include <gtest/gtest.h>

#include "support/share.hpp"

namespace siren::test {
namespace {

TEST(RankShares, AddUpToTheDataSet) {
  const Communicator comm = Communicator::world();
  const Ratings ratings = random_ratings(50, 40, 0.1, 3);
  const std::unique_ptr<Share> share = make_share(comm, ratings, {});
  const std::vector<RankShare> shares =
      gather_shares(comm, share->layout, share->set, share->graph);
  EXPECT_EQ(std::ssize(shares), comm.size());
  RankShare sum{};
  for (const RankShare& one : shares) {
    sum.users += one.users;
    sum.items += one.items;
    sum.ratings += one.ratings;
    sum.edges += one.edges;
    sum.halo_rows += one.halo_rows;
  }
  EXPECT_EQ(sum.users, ratings.users);
  EXPECT_EQ(sum.items, ratings.items);
  EXPECT_EQ(sum.ratings, std::ssize(ratings.all));
  EXPECT_EQ(sum.edges, share->set.liked);
  EXPECT_EQ(sum.halo_rows > 0, comm.size() > 1);
}

TEST(RankShares, StandInOrderOfRank) {
  const Communicator comm = Communicator::world();
  const std::unique_ptr<Share> share =
      make_share(comm, random_ratings(30, 20, 0.2, 5), {}, "first");
  const std::vector<RankShare> shares =
      gather_shares(comm, share->layout, share->set, share->graph);
  for (int rank = 0; rank < comm.size(); ++rank)
    EXPECT_EQ(shares[static_cast<std::size_t>(rank)].users, rank == 0 ? 30 : 0);
}

TEST(GatherRanks, EveryRankKnowsEveryRank) {
  const Communicator comm = Communicator::world();
  PhaseCounts mine;
  mine.seconds[2] = comm.rank() + 1.0;
  mine.sent[1] = {100 * comm.rank(), 0};
  const RankReport report = gather_ranks(comm, 5, mine);
  EXPECT_EQ(report.steps, 5);
  ASSERT_EQ(report.ranks(), comm.size());
  EXPECT_EQ(std::ssize(report.hosts), comm.size());
  for (int rank = 0; rank < comm.size(); ++rank) {
    const auto r = static_cast<std::size_t>(rank);
    EXPECT_EQ(report.phases[2].seconds[r], rank + 1.0);
    EXPECT_EQ(report.sent[r].all, 100 * rank);
    EXPECT_FALSE(report.hosts[r].empty());
  }
}

TEST(StartReport, EveryRankKnowsEveryRank) {
  const Communicator comm = Communicator::world();
  RankStart mine;
  mine.edges = 7 * comm.rank();
  const StartReport report = gather_start(comm, mine);
  ASSERT_EQ(std::ssize(report.ranks), comm.size());
  EXPECT_EQ(report.nodes(), 1);
  for (int rank = 0; rank < comm.size(); ++rank) {
    const RankStart& found = report.ranks[static_cast<std::size_t>(rank)];
    EXPECT_EQ(found.edges, 7 * rank);
    EXPECT_FALSE(found.host.empty());
    EXPECT_FALSE(found.processors.empty());
    EXPECT_GT(found.node_available, 0);
  }
}

}  // namespace
}  // namespace siren::test
