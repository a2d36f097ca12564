// SPDX-License-Identifier: Apache-2.0
// Philox4x32-10 (core/rng.hpp) for counters that differ in their last word only, as many at a time
// as make a few full vectors. Integers: the same bits on every instruction set.
#pragma once

#include "siren/math/kernels.hpp"

#include "simd.hpp"

namespace siren::SIREN_KERNEL_NAMESPACE {

/// One word of each of kRandomLanes counters.
struct RandomLanes {
  alignas(64) std::uint32_t word[kRandomLanes];
};

/// x0, x2 become the keyed high products, x1, x3 the low ones.
SIREN_INLINE void philox_round(RandomLanes (&x)[4], std::uint32_t key0, std::uint32_t key1) {
  constexpr std::uint64_t kMultiplier0 = 0xD2511F53;
  constexpr std::uint64_t kMultiplier1 = 0xCD9E8D57;
  for (std::int64_t lane = 0; lane < kRandomLanes; ++lane) {
    const std::uint64_t first = kMultiplier0 * x[0].word[lane];
    const std::uint64_t second = kMultiplier1 * x[2].word[lane];
    x[0].word[lane] = static_cast<std::uint32_t>(second >> 32) ^ x[1].word[lane] ^ key0;
    x[2].word[lane] = static_cast<std::uint32_t>(first >> 32) ^ x[3].word[lane] ^ key1;
    x[1].word[lane] = static_cast<std::uint32_t>(second);
    x[3].word[lane] = static_cast<std::uint32_t>(first);
  }
}

inline void random_words(const RandomCounters& counters, std::uint32_t* out) {
  constexpr std::uint32_t kWeyl0 = 0x9E3779B9;
  constexpr std::uint32_t kWeyl1 = 0xBB67AE85;
  constexpr int kRounds = 10;
  const std::int64_t stride = padded_random(counters.count);
  for (std::int64_t begin = 0; begin < counters.count; begin += kRandomLanes) {
    RandomLanes x[4];
    for (std::int64_t lane = 0; lane < kRandomLanes; ++lane) {
      for (int w = 0; w < 3; ++w) x[w].word[lane] = counters.common[w];
      x[3].word[lane] = counters.first + static_cast<std::uint32_t>(begin + lane);
    }
    std::uint32_t key0 = counters.key[0];
    std::uint32_t key1 = counters.key[1];
    for (int round = 0; round < kRounds; ++round, key0 += kWeyl0, key1 += kWeyl1)
      philox_round(x, key0, key1);
    for (int w = 0; w < 4; ++w)
      for (std::int64_t lane = 0; lane < kRandomLanes; ++lane)
        out[w * stride + begin + lane] = x[w].word[lane];
  }
}

}  // namespace siren::SIREN_KERNEL_NAMESPACE
