// SPDX-License-Identifier: Apache-2.0
#include "math/parallel.hpp"

#include <atomic>
#include <thread>

#include <gtest/gtest.h>

namespace siren {
namespace {

class Parallel : public ::testing::TestWithParam<int> {
 protected:
  Parallel() { omp_set_num_threads(GetParam()); }
  ~Parallel() override { omp_set_num_threads(1); }
};

TEST_P(Parallel, EveryTileRunsOnceAndOnlyTheMainThreadPolls) {
  const std::thread::id main_thread = std::this_thread::get_id();
  const int threads = GetParam();
  for (const std::int64_t tiles : {0, 1, 2, 3, 100}) {
    std::vector<std::atomic<int>> runs(static_cast<std::size_t>(tiles));
    std::atomic<int> arrived = 0;
    std::atomic<int> strangers = 0;
    std::atomic<int> polls = 0;
    const std::uint64_t beats = heartbeat().beats();
    const auto tile_body = [&](std::int64_t tile) {
      ++runs[static_cast<std::size_t>(tile)];
      ++arrived;
      while (tiles >= threads && arrived < threads) std::this_thread::yield();  // one tile a thread
    };
    parallel_tiles(tiles, tile_body, [&] {
      ++polls;
      if (std::this_thread::get_id() != main_thread) ++strangers;
    });
    for (const auto& count : runs) EXPECT_EQ(count, 1);
    EXPECT_EQ(strangers, 0);
    EXPECT_LE(polls, tiles);
    EXPECT_EQ(heartbeat().beats() - beats, static_cast<std::uint64_t>(polls)) << "signs of life";
    EXPECT_TRUE(threads > 1 || polls == tiles) << polls;
    EXPECT_TRUE(tiles < threads || polls > 0) << "the main thread had a tile";
  }
}

TEST_P(Parallel, BlocksCoverTheRowsWithoutOverlap) {
  for (const std::int64_t rows : {0, 1, 9, 10, 11, 1003}) {
    std::vector<std::atomic<int>> visits(static_cast<std::size_t>(rows));
    parallel_blocks(rows, 10, [&](std::int64_t begin, std::int64_t end) {
      EXPECT_EQ(begin % 10, 0);
      EXPECT_TRUE(begin < end && end <= rows && (end - begin == 10 || end == rows))
          << begin << " to " << end;
      for (std::int64_t r = begin; r < end; ++r) ++visits[static_cast<std::size_t>(r)];
    });
    for (const auto& count : visits) EXPECT_EQ(count, 1);
  }
}

INSTANTIATE_TEST_SUITE_P(Threads, Parallel, ::testing::Values(1, 2, 3));

TEST(TileSharesOf, ThreadsTakeTheirOwnTilesFirstAndThenThoseOfOthers) {
  TileShares shares(7, 3);  // 0 1 | 2 3 | 4 5 6
  std::vector<std::int64_t> taken;
  for (int n = 0; n < 4; ++n) taken.push_back(shares.take(1));
  EXPECT_EQ(taken, (std::vector<std::int64_t>{2, 3, 4, 5}));
  EXPECT_EQ(shares.take(0), 0);
  EXPECT_EQ(shares.take(2), 6);
  EXPECT_EQ(shares.take(2), 1);
  for (const int thread : {0, 1, 2}) EXPECT_EQ(shares.take(thread), -1);
}

TEST(TileSharesOf, FewTilesAndNone) {
  TileShares one(1, 4);
  EXPECT_EQ(one.take(0), 0);
  EXPECT_EQ(one.take(3), -1);
  TileShares none(0, 2);
  EXPECT_EQ(none.take(1), -1);
}

/// Each tile takes rows until it has `target` nonzeros or rows.
void expect_balanced(const std::vector<std::int64_t>& offsets, std::int64_t target) {
  const std::vector<std::int64_t> bounds = balanced_tiles(offsets, target);
  const auto rows = static_cast<std::int64_t>(offsets.size()) - 1;
  ASSERT_EQ(bounds.front(), 0);
  ASSERT_EQ(bounds.back(), rows);
  for (std::size_t tile = 0; tile + 1 < bounds.size(); ++tile) {
    const std::int64_t begin = bounds[tile];
    const std::int64_t end = bounds[tile + 1];
    ASSERT_LT(begin, end);
    const auto nonzeros = [&](std::int64_t until) {
      return offsets[static_cast<std::size_t>(until)] - offsets[static_cast<std::size_t>(begin)];
    };
    EXPECT_TRUE(end - begin == 1 || (nonzeros(end - 1) < target && end - 1 - begin < target))
        << "rows " << begin << " to " << end;
    EXPECT_TRUE(end == rows || nonzeros(end) >= target || end - begin >= target)
        << "rows " << begin << " to " << end;
  }
}

TEST(BalancedTiles, HoldAboutTheTarget) {
  expect_balanced({0}, 10);
  expect_balanced({0, 0}, 10);
  expect_balanced({0, 1000}, 10);
  expect_balanced(std::vector<std::int64_t>(1001, 0), 10);  // empty rows cost something, too
  std::vector<std::int64_t> even{0};
  for (std::int64_t r = 0; r < 50; ++r) even.push_back(even.back() + 5);
  expect_balanced(even, 10);  // met exactly
  std::vector<std::int64_t> offsets{0};
  for (std::int64_t r = 0; r < 500; ++r)
    offsets.push_back(offsets.back() + (r % 50 == 7 ? 300 : r % 3));
  for (const std::int64_t target : {1, 10, 299, 1000, 1000000}) expect_balanced(offsets, target);
}

}  // namespace
}  // namespace siren
