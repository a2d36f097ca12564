// SPDX-License-Identifier: Apache-2.0
// All randomness is a pure function of (seed, purpose, counter): Philox4x32-10 with
//
//   key     = (seed, purpose)                     two 32-bit words
//   counter = (c0, c1, c2, c3)                    four 32-bit words, named per purpose below
//
// so nothing depends on the rank, the thread or the order of calls, and there is no state to save.
// The counters, by purpose (node = global node id, lo/hi = its 32-bit halves):
//
//   kInitLiked, kInitDisliked   (node lo, node hi, column / 4, 0): four normals, columns 4c..4c+3
//   kInitWeight                 (row, tensor, column / 4, 0): same, W matrices (tensors' numbers:
//                               model/initialise.cpp)
//   kInitBias                   (column / 4, tensor, 0, 0): uniforms
//   kInitPolarity               as kInitLiked
//   kPolarityOrder              as kPermutation, the order in which polarity sees ratings
//   kPermutation                (half, round, epoch, 0): Feistel round (data/permutation.hpp)
//   kNegative                   (rating lo, rating hi, epoch, k + 2^16 attempt)
//   kDislikePair                (rating lo, rating hi, epoch, k / 2): draws k, k + 1 for even k
//   kSharedNegative             (step lo, step hi, s lo, s hi)
//   kDropout                    (node lo, node hi + 2^24 site, step, 2^8 (column / 128) + digit)
//   kEvaluatedUser              (user lo, user hi, 0, 0): words 0, 1 order the users of a sample
//   kPartition, kSplit, kSynth  (id lo, id hi, ...) see their users
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>

#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wconversion"
#endif
#include <Random123/philox.h>
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

namespace siren::inline core {

enum class Purpose : std::uint32_t {
  kInitLiked = 1,
  kInitDisliked = 2,
  kInitWeight = 3,
  kInitBias = 4,
  kPermutation = 5,
  kNegative = 6,
  kDropout = 7,
  kPartition = 8,
  kSplit = 9,
  kSynth = 10,
  kDislikePair = 11,
  kInitPolarity = 12,
  kPolarityOrder = 13,
  kSharedNegative = 14,
  kEvaluatedUser = 15,
};

using RandomBlock = std::array<std::uint32_t, 4>;

/// 128 random bits for one counter. Thread-safe, stateless.
inline RandomBlock random_block(std::uint32_t seed, Purpose purpose, const RandomBlock& counter) {
  using Engine = r123::Philox4x32;
  const Engine::ctr_type c{{counter[0], counter[1], counter[2], counter[3]}};
  const Engine::key_type k{{seed, static_cast<std::uint32_t>(purpose)}};
  const Engine::ctr_type r = Engine{}(c, k);
  return {r[0], r[1], r[2], r[3]};
}

constexpr std::uint32_t low_word(std::int64_t id) {
  return static_cast<std::uint32_t>(id);
}
constexpr std::uint32_t high_word(std::int64_t id) {
  return static_cast<std::uint32_t>(id >> 32);
}

/// Uniform in the open interval (0, 1): (x + 1/2) / 2^32.
constexpr double open_unit(std::uint32_t x) {
  return (static_cast<double>(x) + 0.5) * 0x1p-32;
}

/// Four standard normals: Box-Muller on the word pairs (0, 1) and (2, 3); of each pair the cosine
/// value comes first.
inline std::array<double, 4> normal4(const RandomBlock& bits) {
  std::array<double, 4> z{};
  for (std::size_t pair = 0; pair < 2; ++pair) {
    const double radius = std::sqrt(-2.0 * std::log(open_unit(bits[2 * pair])));
    const double angle = 2.0 * std::numbers::pi * open_unit(bits[2 * pair + 1]);
    z[2 * pair] = radius * std::cos(angle);
    z[2 * pair + 1] = radius * std::sin(angle);
  }
  return z;
}

/// Uniform integer in [0, n) from two words by multiplication: the high half of (lo + 2^32 hi) n.
constexpr std::uint64_t scale_to(std::uint32_t lo, std::uint32_t hi, std::uint64_t n) {
  const std::uint64_t x = (static_cast<std::uint64_t>(hi) << 32) | lo;
  __extension__ using Wide = unsigned __int128;
  return static_cast<std::uint64_t>((static_cast<Wide>(x) * n) >> 64);
}

}  // namespace siren::inline core
