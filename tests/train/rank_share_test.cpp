// SPDX-License-Identifier: Apache-2.0
#include "siren/train/rank_share.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "support/share.hpp"

namespace siren::test {
namespace {

TEST(RankShares, AddUpToTheDataSet) {
  const Communicator comm = Communicator::world();
  const Ratings ratings = random_ratings(50, 40, 0.1, 3);
  const std::unique_ptr<Share> share = make_share(comm, ratings, {});
  const std::vector<RankShare> shares = rank_shares(comm, share->layout, share->set, share->graph);
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
  const nlohmann::ordered_json json =
      to_json(rank_shares(comm, share->layout, share->set, share->graph));
  for (int rank = 0; rank < comm.size(); ++rank)
    EXPECT_EQ(json["users"][static_cast<std::size_t>(rank)], rank == 0 ? 30 : 0);
  EXPECT_EQ(json.size(), 5U);
}

}  // namespace
}  // namespace siren::test
