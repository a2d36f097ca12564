// SPDX-License-Identifier: Apache-2.0
#include "siren/model/dropout.hpp"

#include <bit>
#include <cmath>

#include "siren/core/check.hpp"
#include "siren/core/rng.hpp"

namespace siren {

Dropout::Dropout(std::uint32_t seed, double rate)
    : seed_(seed), keep_(static_cast<std::uint32_t>(std::lround((1.0 - rate) * kOne))) {
  SIREN_ASSERT(keep_ > 0 && keep_ <= kOne, "dropout rate {}", rate);
}

void Dropout::fill(std::uint32_t site,
                   std::uint32_t step,
                   std::span<const NodeId> nodes,
                   std::int64_t words_per_row,
                   std::uint64_t* words) const {
  const auto digits =
      static_cast<std::uint32_t>(16 - std::countr_zero(keep_));  // up to the last non-zero one
  const std::uint64_t start = active() ? 0 : ~std::uint64_t{0};
  for (const NodeId node : nodes) {
    RandomBlock counter = {low_word(node), high_word(node) + (site << 24), step, 0};
    for (std::int64_t w = 0; w < words_per_row; w += 2) {
      std::uint64_t mask[2] = {start, start};
      for (std::uint32_t i = digits; i > 0; --i) {
        counter[3] = static_cast<std::uint32_t>(w / 2) << 8 | i;
        const RandomBlock bits = random_block(seed_, Purpose::kDropout, counter);
        for (std::size_t half = 0; half < 2; ++half) {
          const std::uint64_t zero =
              ~(bits[2 * half] | static_cast<std::uint64_t>(bits[2 * half + 1]) << 32);
          mask[half] = (keep_ >> (16 - i) & 1U) != 0 ? zero | mask[half] : zero & mask[half];
        }
      }
      words[w] = mask[0];
      if (w + 1 < words_per_row) words[w + 1] = mask[1];
    }
    words += words_per_row;
  }
}

}  // namespace siren
