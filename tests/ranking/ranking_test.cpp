// SPDX-License-Identifier: Apache-2.0
#include "ranking/ranking.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <memory>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

#include "math/parallel.hpp"
#include "siren/error.hpp"
#include "support/rating_world.hpp"

namespace siren {
namespace {

using test::partitions_of;
using test::RatingWorld;

struct Scoring {
  Isa isa = best_isa();
  std::int64_t polarity = 0;  // columns
  double lambda = 0.0;
};

/// One score as the product of one row and one column: where it stands in a tile must not matter.
float lone_score(const RatingWorld& world, UserId user, ItemId item, const Scoring& by) {
  const std::int64_t depth = world.user_table.columns() - by.polarity;
  Matrix<float> column(depth, 1);
  Matrix<float> score(1, 1);
  for (std::int64_t k = 0; k < depth; ++k) column(k, 0) = world.item_table(item, k);
  kernels<Fp32>(by.isa).multiply({.a = world.user_table.row(user),
                                  .row_step = world.user_table.stride(),
                                  .depth_step = 1,
                                  .b = column.data(),
                                  .ldb = column.stride(),
                                  .c = score.data(),
                                  .ldc = score.stride(),
                                  .rows = 1,
                                  .depth = depth,
                                  .columns = kRowPadding,
                                  .accumulate = false});
  if (by.lambda == 0.0) return score(0, 0);
  float p = 0.0F;
  for (std::int64_t k = depth; k < world.user_table.columns(); ++k)
    p += world.user_table(user, k) * world.item_table(item, k);
  return static_cast<float>(double{score(0, 0)} + by.lambda * log_sigmoid(double{p}));
}

/// All scores of all candidates, sorted.
std::vector<ScoredItem> plain_list(const RatingWorld& world, const RankingTask& task, UserId user,
                                   const Scoring& by) {
  std::vector<ScoredItem> list;
  for (ItemId item = 0; item < world.items(); ++item)
    if (task.roles[static_cast<std::size_t>(item)] == ItemRole::kCandidate &&
        !world.train[static_cast<std::size_t>(user)].contains(item))
      list.push_back({item, lone_score(world, user, item, by)});
  std::stable_sort(list.begin(), list.end(), [](const ScoredItem& a, const ScoredItem& b) {
    return a.score > b.score;  // which keeps equal scores by ascending id
  });
  if (std::ssize(list) > task.top) list.resize(static_cast<std::size_t>(task.top));
  return list;
}

bool same_bits(float a, float b) {
  return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b);
}

bool same_list(std::span<const ScoredItem> a, std::span<const ScoredItem> b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
    return x.item == y.item && same_bits(x.score, y.score);
  });
}

/// What one rank of a partition holds.
struct Side {
  Side(const RatingWorld& world, const Partition& partition, const Communicator& comm)
      : layout(partition, comm.rank(), comm.size(), world.user_table.columns()),
        training(world.training_of(layout)),
        held_out(world.held_out_of(layout)),
        users(world.users_of(layout)),
        items(world.items_of(layout)) {}

  RankingTask task(Candidates candidates, std::int64_t top) const {
    std::vector<std::int32_t> tested(training.item_degree.size(), 0);
    for (const ItemId item : held_out.items) tested[static_cast<std::size_t>(item)] = 1;
    Communicator::world().all_reduce(std::span<std::int32_t>(tested), Reduction::kMax);
    RankingTask made;
    made.users.resize(static_cast<std::size_t>(layout.users()));
    std::iota(made.users.begin(), made.users.end(), 0);
    made.top = top;
    made.roles = item_roles(candidates, training.item_degree, tested);
    made.masked = {training.ratings.offsets, training.ratings.items};
    made.probed = {held_out.offsets, held_out.items};
    return made;
  }
  EmbeddingTables tables() const { return {users, items}; }
  UserId id_of(LocalRow row) const { return layout.owned_users()[static_cast<std::size_t>(row)]; }

  Layout layout;
  TrainingSet training;
  HeldOutRatings held_out;
  Matrix<float> users;
  Matrix<float> items;
};

class RankingTest : public testing::Test {
 protected:
  void expect_plain_lists(const RatingWorld& world, const Partition& partition, Candidates which,
                          std::int64_t top) {
    const Side side(world, partition, comm_);
    const RankingTask task = side.task(which, top);
    Ranking ranking(comm_, side.layout, task, by_.isa);
    ranking.run({side.users, side.items, by_.polarity, by_.lambda});
    for (std::int64_t i = 0; i < ranking.users(); ++i) {
      const UserId user = side.id_of(ranking.user(i));
      EXPECT_TRUE(same_list(ranking.top(i), plain_list(world, task, user, by_))) << "user " << user;
      std::size_t at = 0;
      for (const auto& [item, sign] : world.held_out[static_cast<std::size_t>(user)])
        EXPECT_TRUE(same_bits(ranking.probe_scores(i)[at++], lone_score(world, user, item, by_)))
            << "user " << user << " item " << item;
    }
  }

  const Communicator comm_ = Communicator::world();
  Scoring by_;
};

TEST_F(RankingTest, EqualsSortingAllScoresBitForBit) {
  const RatingWorld world({}, 1);
  for (const Partition& partition : partitions_of(world, comm_.size()))
    for (const Candidates which : {Candidates::kTrainAndTest, Candidates::kTrain, Candidates::kAll})
      expect_plain_lists(world, partition, which, 20);
}

TEST_F(RankingTest, BreaksTiesByItemId) {
  const RatingWorld world({.users = 130, .items = 300, .dimension = 7, .ties = true}, 2);
  for (const Partition& partition : partitions_of(world, comm_.size()))
    expect_plain_lists(world, partition, Candidates::kTrainAndTest, 15);
}

TEST_F(RankingTest, AddsTheLogarithmOfPolarityBitForBit) {
  const RatingWorld world({.users = 130, .items = 300, .dimension = 19}, 8);
  for (const double lambda : {0.0, 0.25, 3.0}) {
    by_.polarity = 6;
    by_.lambda = lambda;
    for (const Partition& partition : partitions_of(world, comm_.size()))
      expect_plain_lists(world, partition, Candidates::kTrainAndTest, 15);
  }
}

TEST_F(RankingTest, ThePolarityOfALambdaOfZeroIsNotLookedAt) {
  RatingWorld world({.users = 20, .items = 30, .dimension = 9}, 9);
  world.item_table(3, 8) = std::numeric_limits<float>::quiet_NaN();
  by_.polarity = 4;
  expect_plain_lists(world, partitions_of(world, comm_.size())[0], Candidates::kAll, 10);
}

/// Scores out of range enter no list, and so no masked item gets a place behind them.
TEST_F(RankingTest, ScoresOutOfRangeAreNotRanked) {
  RatingWorld world({.users = 12, .items = 40, .dimension = 9}, 9);
  for (ItemId item = 0; item < 40; item += 2) world.item_table(item, 8) = -3e38F;
  for (UserId user = 0; user < 12; ++user) world.user_table(user, 8) = 3e38F;
  const Side side(world, partitions_of(world, comm_.size())[0], comm_);
  const RankingTask task = side.task(Candidates::kAll, 40);
  Ranking ranking(comm_, side.layout, task, by_.isa);
  ranking.run({side.users, side.items, 4, 2.0});
  for (std::int64_t i = 0; i < ranking.users(); ++i)
    for (const ScoredItem& entry : ranking.top(i)) {
      EXPECT_TRUE(std::isfinite(entry.score));
      EXPECT_FALSE(
          world.train[static_cast<std::size_t>(side.id_of(ranking.user(i)))].contains(entry.item));
    }
}

TEST(LogSigmoid, HoldsFarFromZero) {
  EXPECT_NEAR(log_sigmoid(0.0), -std::log(2.0), 1e-16);
  EXPECT_NEAR(log_sigmoid(2.0), -0.1269280110429726, 1e-15);
  EXPECT_NEAR(log_sigmoid(-2.0), -2.1269280110429726, 1e-15);
  EXPECT_EQ(log_sigmoid(-800.0), -800.0);
  EXPECT_EQ(log_sigmoid(800.0), 0.0);
}

TEST_F(RankingTest, CountsTheListsThatItemIdsOrder) {
  const std::vector<int> cutoffs = {7};  // behind the first group of equal scores for some users
  for (const bool ties : {false, true}) {
    const RatingWorld world({.users = 130, .items = 60, .dimension = 7, .ties = ties}, 2);
    for (const Partition& partition : partitions_of(world, comm_.size())) {
      const Side side(world, partition, comm_);
      const RankingTask task = side.task(Candidates::kTrainAndTest, 7);
      RankingTask longer = task;
      longer.top = 8;
      Ties expected;
      for (const LocalRow row : task.users) {
        const auto list = plain_list(world, longer, side.id_of(row), by_);
        const auto equal = [&](std::size_t k) {  // the k-th score and the one behind it
          return k < list.size() && list[k - 1].score == list[k].score;
        };
        bool tied = false;
        for (std::size_t k = 1; k <= 7; ++k) tied = tied || equal(k);
        ++expected.lists;
        expected.tied += tied ? 1 : 0;
        expected.at_cutoff += equal(7) ? 1 : 0;
      }
      Ranking ranking(comm_, side.layout, task, by_.isa);
      ranking.run(side.tables());
      EXPECT_EQ(ranking.count_ties(cutoffs), expected);
      if (ties && comm_.size() == 1) {
        EXPECT_GT(expected.at_cutoff, 0);
        EXPECT_GT(expected.tied, expected.at_cutoff);
      }
    }
  }
}

TEST_F(RankingTest, EveryInstructionSetGivesTheSameAtEveryPlace) {
  const RatingWorld world({.users = 25, .items = 90, .dimension = 33}, 3);
  for (const Isa isa : {Isa::kPortable, Isa::kAvx2, Isa::kAvx512}) {
    if (isa > best_isa()) continue;
    by_.isa = isa;
    expect_plain_lists(world, partitions_of(world, comm_.size())[1], Candidates::kAll, 10);
  }
}

TEST_F(RankingTest, ListsEndWhereCandidatesDo) {
  const RatingWorld world({.users = 12, .items = 40, .dimension = 3}, 4);
  for (const Partition& partition : partitions_of(world, comm_.size()))
    expect_plain_lists(world, partition, Candidates::kTrain, 1000);
}

TEST_F(RankingTest, FewerItemsAndUsersThanRanks) {
  const RatingWorld world({.users = 6, .items = 5, .dimension = 2}, 5);
  for (const Partition& partition : partitions_of(world, comm_.size()))
    expect_plain_lists(world, partition, Candidates::kAll, 3);
}

TEST_F(RankingTest, ThreadsDoNotShow) {
  const RatingWorld world({.users = 500, .items = 200, .dimension = 16, .ties = true}, 6);
  const Side side(world, partitions_of(world, comm_.size())[0], comm_);
  const RankingTask task = side.task(Candidates::kTrainAndTest, 20);
  std::vector<std::unique_ptr<Ranking>> rankings;
  const int threads_before = omp_get_max_threads();
  for (const int threads : {1, 2, 3}) {
    omp_set_num_threads(threads);
    rankings.push_back(std::make_unique<Ranking>(comm_, side.layout, task, by_.isa));
    rankings.back()->run(side.tables());
  }
  omp_set_num_threads(threads_before);
  for (std::size_t r = 1; r < rankings.size(); ++r)
    for (std::int64_t i = 0; i < rankings[0]->users(); ++i)
      EXPECT_TRUE(same_list(rankings[0]->top(i), rankings[r]->top(i))) << "user " << i;
}

TEST_F(RankingTest, RunsAgainWithTablesOfAnotherWidth) {
  const RatingWorld world({.users = 20, .items = 100, .dimension = 16}, 7);
  const Side side(world, partitions_of(world, comm_.size())[0], comm_);
  Ranking ranking(comm_, side.layout, side.task(Candidates::kTrain, 5), by_.isa);
  Matrix<float> ones(side.layout.users(), 1);
  Matrix<float> degrees(side.layout.items(), 1);
  for (std::int64_t u = 0; u < ones.rows(); ++u) ones(u, 0) = 1.0F;
  for (std::int64_t i = 0; i < degrees.rows(); ++i) {
    const ItemId item = side.layout.owned_items()[static_cast<std::size_t>(i)];
    degrees(i, 0) = static_cast<float>(side.training.item_degree[static_cast<std::size_t>(item)]);
  }
  ranking.run({ones, degrees});
  for (std::int64_t i = 0; i < ranking.users(); ++i)
    for (const ScoredItem& popular : ranking.top(i))
      EXPECT_EQ(
          popular.score,
          static_cast<float>(side.training.item_degree[static_cast<std::size_t>(popular.item)]));
  ranking.run(side.tables());
  const RankingTask task = side.task(Candidates::kTrain, 5);
  for (std::int64_t i = 0; i < ranking.users(); ++i)
    EXPECT_TRUE(
        same_list(ranking.top(i), plain_list(world, task, side.id_of(ranking.user(i)), by_)));
}

TEST_F(RankingTest, RanksChosenUsersWithoutMasksOrProbes) {
  const RatingWorld world({.users = 40, .items = 70, .dimension = 8}, 8);
  const Side side(world, partitions_of(world, comm_.size())[1], comm_);
  RankingTask task = side.task(Candidates::kAll, 70);
  task.masked = {};
  task.probed = {};
  std::erase_if(task.users, [](LocalRow row) { return row % 3 != 0; });
  Ranking ranking(comm_, side.layout, task, by_.isa);
  ranking.run(side.tables());
  EXPECT_EQ(ranking.candidates(), 70);
  EXPECT_EQ(ranking.users(), (side.layout.users() + 2) / 3);
  for (std::int64_t i = 0; i < ranking.users(); ++i) {
    EXPECT_EQ(ranking.user(i), 3 * i);
    EXPECT_EQ(std::ssize(ranking.top(i)), 70);
    EXPECT_TRUE(ranking.probe_scores(i).empty());
  }
}

TEST_F(RankingTest, LeavesOutScoresThatAreNoNumbers) {
  RatingWorld world({.users = 10, .items = 30, .dimension = 1}, 9);
  world.item_table(7, 0) = std::numeric_limits<float>::quiet_NaN();
  world.item_table(8, 0) = -std::numeric_limits<float>::infinity();
  for (std::int64_t u = 0; u < 10; ++u) world.user_table(u, 0) = 1.0F;
  const Side side(world, partitions_of(world, comm_.size())[0], comm_);
  RankingTask task = side.task(Candidates::kAll, 30);
  task.masked = {};
  Ranking ranking(comm_, side.layout, task, by_.isa);
  ranking.run(side.tables());
  for (std::int64_t i = 0; i < ranking.users(); ++i) {
    EXPECT_EQ(std::ssize(ranking.top(i)), 28);
    for (const ScoredItem& scored : ranking.top(i))
      EXPECT_TRUE(scored.item != 7 && scored.item != 8) << scored.item;
  }
}

TEST(AtLeast, FindsWhatAPlainLoopFinds) {
  constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
  for (const Isa isa : {Isa::kPortable, Isa::kAvx2, Isa::kAvx512}) {
    if (isa > best_isa()) continue;
    for (std::int64_t count = 0; count <= 150; ++count) {
      std::vector<float> scores;
      std::vector<std::int32_t> expected;
      for (std::int64_t i = 0; i < count; ++i) {
        scores.push_back(i % 13 == 12 ? kNaN : static_cast<float>((i * 37 + count) % 101));
        if (scores.back() >= 90.0F) expected.push_back(static_cast<std::int32_t>(i));
      }
      std::vector<std::int32_t> found(static_cast<std::size_t>(count));
      const std::int64_t hits =
          kernels<Fp32>(isa).at_least(scores.data(), count, 90.0F, found.data());
      found.resize(static_cast<std::size_t>(hits));
      EXPECT_EQ(found, expected) << name_of(isa) << ", " << count << " scores";
    }
  }
}

TEST_F(RankingTest, IsGivenUpByAllWhenOneRankWantsTo) {
  const RatingWorld world({.users = 60, .items = 50}, 8);
  const Side side(world, partitions_of(world, comm_.size()).front(), comm_);
  const RankingTask task = side.task(Candidates::kAll, 10);
  Ranking ranking(comm_, side.layout, task, best_isa());
  ranking.run({side.users, side.items});
  std::vector<std::vector<ScoredItem>> before;
  for (std::int64_t i = 0; i < ranking.users(); ++i)
    before.emplace_back(ranking.top(i).begin(), ranking.top(i).end());
  bool wanted = comm_.rank() == comm_.size() - 1;
  ranking.set_give_up([&wanted] { return wanted; });
  EXPECT_THROW(ranking.run({side.users, side.items}), Interrupted);
  wanted = false;
  ranking.run({side.users, side.items});  // nothing of the broken run is left
  for (std::int64_t i = 0; i < ranking.users(); ++i)
    EXPECT_TRUE(same_list(ranking.top(i), before[static_cast<std::size_t>(i)])) << "user " << i;
}

}  // namespace
}  // namespace siren
