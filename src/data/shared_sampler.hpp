// SPDX-License-Identifier: Apache-2.0
// Items drawn once for all users of a step, with replacement: the negatives of a sampled softmax.
// P(j) is proportional to degree(j)^exponent over the items with a train rating of any sign. Every
// rank makes the same draws: draw s of a step is keyed by (seed, step, s).
#pragma once

#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "data/negative_sampler.hpp"
#include "siren/ids.hpp"

namespace siren::inline data {

class SharedSampler {
 public:
  /// `item_degree` [N] is borrowed and must outlive the sampler; not all of it zero. draws S > 0.
  SharedSampler(std::span<const std::int32_t> item_degree, double exponent, std::uint32_t seed,
                std::int64_t draws);

  std::int64_t draws() const { return draws_; }  // S
  /// The draws of a step, ascending; as many as draws(), some of them equal.
  void draw(std::int64_t step, std::vector<ItemId>& items) const;
  /// log(S P(j)), by which the score of a draw is too large.
  double log_expected(ItemId item) const {
    return exponent_ * std::log(static_cast<double>(item_degree_[as_index(item)])) + log_scale_;
  }

  /// Bytes this rank holds for all items.
  static std::int64_t bytes(std::int64_t items) { return NegativeSampler::bytes(items); }

 private:
  std::span<const std::int32_t> item_degree_;
  double exponent_;
  std::uint32_t seed_;
  std::int64_t draws_;
  AliasTable alias_;
  double log_scale_;  // log(S / sum of degree^exponent)
};

}  // namespace siren::inline data
