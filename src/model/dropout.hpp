// SPDX-License-Identifier: Apache-2.0
// Inverted dropout whose mask is a pure function of (seed, step, site, global row, column).
//
// A value is kept with probability q = Q / 2^16, Q = round((1 - rate) 2^16), and then scaled by 1 /
// q. 128 columns are decided at once: U < q is evaluated digit by digit in binary, so a rate of 1/2
// costs one bit per column. Digit i of U for columns 128 g .. 128 g + 127 are the bits of the
// random block with counter (node lo, node hi + 2^24 site, step, 2^8 g + i).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "math/kernels.hpp"
#include "siren/ids.hpp"

namespace siren::inline model {

/// Sites: layer l of the MLP is site l.
inline constexpr std::uint32_t kAttentionLikedSite = 64;
inline constexpr std::uint32_t kAttentionDislikedSite = 65;

class Dropout {
 public:
  /// The generator is that of a table of kernels; all make the same bits.
  Dropout(std::uint32_t seed, double rate,
          RandomWords random_words = kernels<Fp32>(best_isa()).random_words);

  bool active() const { return keep_ < kOne; }
  double scale() const { return static_cast<double>(kOne) / keep_; }

  /// words [nodes x words_per_row]: one bit per column, set where the value is kept.
  void fill(std::uint32_t site, std::uint32_t step, std::span<const NodeId> nodes,
            std::int64_t words_per_row, std::uint64_t* words) const;

 private:
  static constexpr std::uint32_t kOne = 1U << 16;
  void fill_rows(std::uint32_t site, std::uint32_t step, std::span<const NodeId> nodes,
                 std::int64_t words_per_row, std::uint64_t* words) const;

  std::uint32_t seed_;
  std::uint32_t keep_;  // Q
  RandomWords random_words_;
};

}  // namespace siren::inline model
