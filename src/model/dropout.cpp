// SPDX-License-Identifier: Apache-2.0
#include "model/dropout.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include "core/rng.hpp"
#include "siren/check.hpp"

namespace siren::inline model {

namespace {

constexpr std::int64_t kRowsAtOnce = 64;
static_assert(kRowsAtOnce % kRandomLanes == 0);

}  // namespace

Dropout::Dropout(std::uint32_t seed, double rate, RandomWords random_words)
    : seed_(seed),
      keep_(static_cast<std::uint32_t>(std::lround((1.0 - rate) * kOne))),
      random_words_(random_words) {
  SIREN_ASSERT(keep_ > 0 && keep_ <= kOne, "dropout rate {}", rate);
}

void Dropout::fill(std::uint32_t site, std::uint32_t step, std::span<const NodeId> nodes,
                   std::int64_t words_per_row, std::uint64_t* words) const {
  if (!active()) {
    std::fill_n(words, std::ssize(nodes) * words_per_row, ~std::uint64_t{0});
    return;
  }
  for (; !nodes.empty(); words += kRowsAtOnce * words_per_row) {
    const auto rows = std::min<std::size_t>(nodes.size(), kRowsAtOnce);
    fill_rows(site, step, nodes.first(rows), words_per_row, words);
    nodes = nodes.subspan(rows);
  }
}

/// Of at most kRowsAtOnce nodes, whose counters differ in the node alone.
void Dropout::fill_rows(std::uint32_t site, std::uint32_t step, std::span<const NodeId> nodes,
                        std::int64_t words_per_row, std::uint64_t* words) const {
  const auto digits =
      static_cast<std::uint32_t>(16 - std::countr_zero(keep_));  // up to the last non-zero one
  const auto rows = std::ssize(nodes);
  const std::int64_t stride = padded_random(rows);
  std::uint32_t low[kRowsAtOnce] = {};
  std::uint32_t high[kRowsAtOnce] = {};
  std::uint32_t bits[4 * kRowsAtOnce];
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    low[i] = low_word(nodes[i]);
    high[i] = high_word(nodes[i]) + (site << 24);
  }
  std::fill_n(words, rows * words_per_row, std::uint64_t{0});
  for (std::int64_t w = 0; w < words_per_row; w += 2) {
    for (std::uint32_t digit = digits; digit > 0; --digit) {
      const std::uint32_t last = static_cast<std::uint32_t>(w / 2) << 8 | digit;
      random_words_({{seed_, static_cast<std::uint32_t>(Purpose::kDropout)},
                     {0, 0, step, last},
                     {low, high, nullptr, nullptr},
                     rows},
                    bits);
      const bool keeps = (keep_ >> (16 - digit) & 1U) != 0;
      for (std::int64_t half = 0; half < 2 && w + half < words_per_row; ++half)
        for (std::int64_t i = 0; i < rows; ++i) {
          const std::uint32_t* const word = bits + 2 * half * stride + i;
          const std::uint64_t zero = ~(word[0] | static_cast<std::uint64_t>(word[stride]) << 32);
          std::uint64_t& mask = words[i * words_per_row + w + half];
          mask = keeps ? zero | mask : zero & mask;
        }
    }
  }
}

}  // namespace siren::inline model
