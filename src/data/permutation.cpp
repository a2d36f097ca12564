// SPDX-License-Identifier: Apache-2.0
#include "data/permutation.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "siren/check.hpp"

namespace siren::inline data {

namespace {

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

void EpochPermutation::tabulate() {
  for (std::uint32_t j = 0; j < kRounds; ++j) {
    std::vector<std::uint64_t> values(j % 2 == 0 ? b_ : a_);
    for (std::uint64_t half = 0; half < values.size(); ++half) values[half] = round(j, half);
    table_[j] = std::move(values);
  }
}

/// F(j, half) modulo the length of the other half, which it is added to.
std::uint64_t EpochPermutation::round(std::uint32_t j, std::uint64_t half) const {
  if (!table_[j].empty()) return table_[j][half];
  const RandomBlock bits =
      random_block(seed_, purpose_, {static_cast<std::uint32_t>(half), j, epoch_, 0});
  const std::uint64_t value = bits[0] | static_cast<std::uint64_t>(bits[1]) << 32;
  return value % (j % 2 == 0 ? a_ : b_);
}

std::int64_t EpochPermutation::position_of(std::int64_t id) const {
  auto x = static_cast<std::uint64_t>(id);
  SIREN_ASSERT(x < n_, "rating {} of {}", id, n_);
  do {
    std::uint64_t left = x / b_;
    std::uint64_t right = x % b_;
    for (std::uint32_t j = 0; j < kRounds; j += 2) {
      left += round(j, right);
      if (left >= a_) left -= a_;
      right += round(j + 1, left);
      if (right >= b_) right -= b_;
    }
    x = left * b_ + right;
  } while (x >= n_);
  return static_cast<std::int64_t>(x);
}

}  // namespace siren::inline data
