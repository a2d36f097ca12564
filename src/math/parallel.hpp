// SPDX-License-Identifier: Apache-2.0
// Threads inside a rank: OpenMP loops over tiles. Which thread runs a tile never matters to a
// result; it matters to the caches. Each thread has its share of the tiles, the same in every loop
// of as many tiles, so that edges and rows stay in the cache of the core that had them last; whoever
// is done helps the others.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <vector>

#include <omp.h>

#include "core/heartbeat.hpp"

namespace siren::inline math {

/// Who takes which tile next.
class TileShares {
 public:
  TileShares(std::int64_t tiles, int threads) : shares_(static_cast<std::size_t>(threads)) {
    for (std::int64_t t = 0; t < threads; ++t) {
      shares_[static_cast<std::size_t>(t)].next = tiles * t / threads;
      shares_[static_cast<std::size_t>(t)].end = tiles * (t + 1) / threads;
    }
  }

  /// The next tile for a thread, from its own share as long as there are any; -1 if all are taken.
  std::int64_t take(int thread) {
    for (std::size_t i = 0; i < shares_.size(); ++i) {
      Share& share = shares_[(static_cast<std::size_t>(thread) + i) % shares_.size()];
      if (share.next.load(std::memory_order_relaxed) >= share.end) continue;
      const std::int64_t tile = share.next.fetch_add(1, std::memory_order_relaxed);
      if (tile < share.end) return tile;
    }
    return -1;
  }

 private:
  struct alignas(64) Share {  // a cache line for each
    std::atomic<std::int64_t> next;
    std::int64_t end;
  };
  std::vector<Share> shares_;
};

/// body(tile) for every tile in [0, tiles), in parallel; the main thread gives a sign of life and
/// calls poll() between its tiles, so that messages move while it computes. Neither may throw.
template <class Body, class Poll>
void parallel_tiles(std::int64_t tiles, const Body& body, const Poll& poll) {
  TileShares shares(tiles, omp_get_max_threads());
#pragma omp parallel
  {
    const int thread = omp_get_thread_num();
    for (std::int64_t tile = shares.take(thread); tile >= 0; tile = shares.take(thread)) {
      body(tile);
      if (thread != 0) continue;
      heartbeat().beat();
      poll();
    }
  }
}

/// body(begin, end) for consecutive blocks of `block` rows.
template <class Body, class Poll>
void parallel_blocks(std::int64_t rows, std::int64_t block, const Body& body, const Poll& poll) {
  parallel_tiles((rows + block - 1) / block,
                 [&](std::int64_t tile) {
                   const std::int64_t begin = tile * block;
                   body(begin, begin + block < rows ? begin + block : rows);
                 },
                 poll);
}

/// body(begin, end) over blocks, without communication in flight.
template <class Body>
void parallel_blocks(std::int64_t rows, std::int64_t block, const Body& body) {
  parallel_blocks(rows, block, body, [] {});
}

/// Bounds [tiles + 1] of row ranges of about `target` nonzeros each (at least one row).
inline std::vector<std::int64_t> balanced_tiles(std::span<const std::int64_t> offsets,
                                                std::int64_t target) {
  std::vector<std::int64_t> bounds{0};
  const auto rows = static_cast<std::int64_t>(offsets.size()) - 1;
  for (std::int64_t row = 1; row <= rows; ++row) {
    const std::int64_t filled =
        offsets[static_cast<std::size_t>(row)] - offsets[static_cast<std::size_t>(bounds.back())];
    if (filled >= target || row - bounds.back() >= target || row == rows) bounds.push_back(row);
  }
  return bounds;
}

}  // namespace siren::inline math
