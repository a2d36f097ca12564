// SPDX-License-Identifier: Apache-2.0
// The order in which an epoch visits the ratings, without shuffling anything: a keyed permutation
// that any rank evaluates for its own ratings alone.
//
// Six Feistel rounds on a grid a x b just large enough for n numbers (the generalised construction
// of Black and Rogaway, CT-RSA 2002), x = L b + R; results beyond n are permuted again ("cycle
// walking"), which is rare because a b < n + 2 sqrt(n) + 1:
//
//   a = ceil(sqrt n), b = ceil(n / a)
//   round j even: L = (L + F(j, R)) mod a        round j odd: R = (R + F(j, L)) mod b
//   F(j, h) = the first 64 bits of random_block(seed, kPermutation, (h, j, epoch, 0))
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "core/rng.hpp"

namespace siren::inline data {

class EpochPermutation {
 public:
  /// A permutation of [0, n), n < 2^62.
  EpochPermutation(std::uint32_t seed, std::int32_t epoch, std::int64_t n,
                   Purpose purpose = Purpose::kPermutation);

  /// Keeps the values of F, 6 sqrt(n) of them, for many calls of position_of(), which then look them
  /// up.
  void tabulate();

  /// The position of rating `id` in the epoch's order, [0, n). Thread-safe.
  std::int64_t position_of(std::int64_t id) const;

 private:
  static constexpr std::uint32_t kRounds = 6;

  std::uint64_t round(std::uint32_t j, std::uint64_t half) const;

  std::uint32_t seed_;
  Purpose purpose_;
  std::uint32_t epoch_;
  std::uint64_t n_;
  std::uint64_t a_;
  std::uint64_t b_;
  std::array<std::vector<std::uint64_t>, kRounds> table_;  // round() by half; empty: not kept
};

}  // namespace siren::inline data
