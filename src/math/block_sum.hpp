// SPDX-License-Identifier: Apache-2.0
// Sums over rows inside a rank, in an order that no thread count can change: fixed-size blocks of
// rows each make a partial sum, and the partial sums are added in block order.
#pragma once

#include <algorithm>
#include <cstdint>

#include "math/matrix.hpp"
#include "math/parallel.hpp"

namespace siren::inline math {

inline constexpr std::int64_t kSumBlockRows = 256;

template <class Real>
class BlockSum {
 public:
  /// For sums of `count` values.
  explicit BlockSum(std::int64_t count) : partials_(kBlocksAtOnce, count) {}

  /// total [count] += sum over blocks of what body(begin, end, partial) adds to `partial`, which
  /// comes zeroed. Blocks run in parallel; poll as in parallel_tiles.
  template <class Body, class Poll>
  void add(std::int64_t rows, Real* total, const Body& body, const Poll& poll) {
    const std::int64_t blocks = (rows + kSumBlockRows - 1) / kSumBlockRows;
    for (std::int64_t first = 0; first < blocks; first += kBlocksAtOnce) {
      const std::int64_t wave = std::min(kBlocksAtOnce, blocks - first);
      parallel_tiles(
          wave,
          [&](std::int64_t i) {
            Real* partial = partials_.row(i);
            std::fill_n(partial, partials_.stride(), Real{0});
            const std::int64_t begin = (first + i) * kSumBlockRows;
            body(begin, std::min(begin + kSumBlockRows, rows), partial);
          },
          poll);
      parallel_blocks(partials_.columns(), kColumnsPerTile,
                      [&](std::int64_t begin, std::int64_t end) {
                        for (std::int64_t i = 0; i < wave; ++i) {
                          const Real* partial = partials_.row(i);
                          for (std::int64_t c = begin; c < end; ++c) total[c] += partial[c];
                        }
                      });
    }
  }

  static std::int64_t bytes(std::int64_t count) {
    return kBlocksAtOnce * padded(count) * std::int64_t{sizeof(Real)};
  }

 private:
  static constexpr std::int64_t kBlocksAtOnce = 64;
  static constexpr std::int64_t kColumnsPerTile = 1024;
  Matrix<Real> partials_;
};

}  // namespace siren::inline math
