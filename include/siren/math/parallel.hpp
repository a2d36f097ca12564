// SPDX-License-Identifier: Apache-2.0
// Threads inside a rank: OpenMP loops over tiles. Which thread runs a tile never matters to a
// result.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <omp.h>

#include "siren/core/heartbeat.hpp"

namespace siren {

/// body(tile) for every tile in [0, tiles), in parallel; the main thread gives a sign of life and
/// calls poll() between its tiles, so that messages move while it computes. Neither may throw.
template <class Body, class Poll>
void parallel_tiles(std::int64_t tiles, const Body& body, const Poll& poll) {
#pragma omp parallel
  {
    const bool main_thread = omp_get_thread_num() == 0;
#pragma omp for schedule(dynamic, 1) nowait
    for (std::int64_t tile = 0; tile < tiles; ++tile) {
      body(tile);
      if (!main_thread) continue;
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

}  // namespace siren
