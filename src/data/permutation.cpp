// SPDX-License-Identifier: Apache-2.0
#include "data/permutation.hpp"

#include <algorithm>
#include <cmath>

#include "siren/check.hpp"

namespace siren::inline data {

namespace {

constexpr std::uint32_t kRounds = 6;

std::uint64_t ceil_sqrt(std::uint64_t n) {
  auto root = static_cast<std::uint64_t>(std::sqrt(static_cast<double>(n)));
  while (root * root < n) ++root;
  while (root > 1 && (root - 1) * (root - 1) >= n) --root;
  return root;
}

}  // namespace

EpochPermutation::EpochPermutation(std::uint32_t seed, std::int32_t epoch, std::int64_t n,
                                   Purpose purpose)
    : seed_(seed),
      purpose_(purpose),
      epoch_(static_cast<std::uint32_t>(epoch)),
      n_(static_cast<std::uint64_t>(n)),
      a_(std::max<std::uint64_t>(1, ceil_sqrt(n_))),
      b_(std::max<std::uint64_t>(1, (n_ + a_ - 1) / a_)) {
  SIREN_ASSERT(n >= 0 && n < (std::int64_t{1} << 62), "{} ratings", n);
}

std::uint64_t EpochPermutation::round(std::uint32_t j, std::uint64_t half) const {
  const RandomBlock bits =
      random_block(seed_, purpose_, {static_cast<std::uint32_t>(half), j, epoch_, 0});
  return bits[0] | static_cast<std::uint64_t>(bits[1]) << 32;
}

std::int64_t EpochPermutation::position_of(std::int64_t id) const {
  auto x = static_cast<std::uint64_t>(id);
  SIREN_ASSERT(x < n_, "rating {} of {}", id, n_);
  do {
    std::uint64_t left = x / b_;
    std::uint64_t right = x % b_;
    for (std::uint32_t j = 0; j < kRounds; j += 2) {
      left = (left + round(j, right) % a_) % a_;
      right = (right + round(j + 1, left) % b_) % b_;
    }
    x = left * b_ + right;
  } while (x >= n_);
  return static_cast<std::int64_t>(x);
}

}  // namespace siren::inline data
