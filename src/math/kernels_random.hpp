// SPDX-License-Identifier: Apache-2.0
// Philox4x32-10 (core/rng.hpp) for several counters at a time. Integers: the same bits on every
// instruction set.
#pragma once

#include "math/kernels.hpp"
#include "simd.hpp"

namespace siren::inline math::SIREN_KERNEL_NAMESPACE {

/// One word of each of kLanes<double> counters; the upper halves of the lanes hold anything.
using WideWords = Simd<double>::Word;
inline constexpr int kWideWords = kLanes<double>;
inline constexpr int kWideVectors = kRandomLanes / kWideWords;

using NarrowWords [[gnu::vector_size(kVectorBytes / 2)]] = std::uint32_t;

SIREN_INLINE WideWords load_words(const RandomCounters& counters, int word, std::int64_t begin) {
  if (counters.varying[word] == nullptr) return counters.common[word] + WideWords{};
  NarrowWords x;
  __builtin_memcpy(&x, counters.varying[word] + begin, sizeof x);
  return __builtin_convertvector(x, WideWords);
}

SIREN_INLINE void store_words(WideWords wide, std::uint32_t* out) {
  const NarrowWords x = __builtin_convertvector(wide, NarrowWords);
  __builtin_memcpy(out, &x, sizeof x);
}

/// x0, x2 become the keyed high products, x1, x3 the low ones.
SIREN_INLINE void philox_round(WideWords (&x)[4], std::uint64_t key0, std::uint64_t key1) {
  const WideWords first = multiply_low_words(x[0], 0xD2511F53);
  const WideWords second = multiply_low_words(x[2], 0xCD9E8D57);
  x[0] = (second >> 32) ^ x[1] ^ key0;
  x[2] = (first >> 32) ^ x[3] ^ key1;
  x[1] = second;
  x[3] = first;
}

inline void random_words(const RandomCounters& counters, std::uint32_t* out) {
  constexpr std::uint32_t kWeyl0 = 0x9E3779B9;
  constexpr std::uint32_t kWeyl1 = 0xBB67AE85;
  constexpr int kRounds = 10;
  const std::int64_t stride = padded_random(counters.count);
  for (std::int64_t begin = 0; begin < counters.count; begin += kRandomLanes) {
    WideWords x[kWideVectors][4];
    for (int v = 0; v < kWideVectors; ++v)
      for (int w = 0; w < 4; ++w) x[v][w] = load_words(counters, w, begin + v * kWideWords);
    std::uint32_t key0 = counters.key[0];
    std::uint32_t key1 = counters.key[1];
    for (int round = 0; round < kRounds; ++round, key0 += kWeyl0, key1 += kWeyl1)
#pragma GCC unroll 8
      for (auto& vectors : x) philox_round(vectors, key0, key1);
    for (int v = 0; v < kWideVectors; ++v)
      for (int w = 0; w < 4; ++w) store_words(x[v][w], out + w * stride + begin + v * kWideWords);
  }
}

}  // namespace siren::inline math::SIREN_KERNEL_NAMESPACE
