// SPDX-License-Identifier: Apache-2.0
// Sampled items for the loss: P(j) proportional to degree(j)^exponent over the items that the user
// has not rated. O(1) per draw, nothing materialised.
//
// Draw k of rating id in an epoch tries attempts 0..63, each one block of random bits with counter
// (id lo, id hi, epoch, k + 2^16 attempt): words 0, 1 choose a column of the alias table, word 2
// its item or the alias; an item that the user has rated is rejected. After 64 rejections attempt
// 64 inverts the distribution over the complement exactly.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/rng.hpp"
#include "data/rated_filter.hpp"
#include "math/kernels.hpp"
#include "siren/ids.hpp"

namespace siren::inline data {

/// Walker's alias method in Vose's form: O(n) to build, one column per draw. Weights need not sum
/// to one; all zero is allowed and leaves nothing to draw.
class AliasTable {
 public:
  explicit AliasTable(std::span<const double> weights);

  std::int64_t size() const { return static_cast<std::int64_t>(columns_.size()); }
  double total() const { return total_; }
  /// `pick` and `coin` are independent uniform words; pick has 64 bits.
  std::int32_t draw(std::uint32_t pick_low, std::uint32_t pick_high, std::uint32_t coin) const;

 private:
  struct Column {
    std::uint32_t keeps;  // coins below this keep the column's own item
    std::int32_t other;   // the alias; the own item where every coin keeps it
  };
  std::vector<Column> columns_;
  double total_ = 0.0;
};

/// degree^exponent, 0 for a degree of 0.
std::vector<double> degree_powers(std::span<const std::int32_t> degrees, double exponent);

inline constexpr ItemId kNoItem = -1;
inline constexpr std::int32_t kMaxNegatives = 1 << 16;

class NegativeSampler {
 public:
  /// `item_degree` [N] is borrowed and must outlive the sampler.
  NegativeSampler(std::span<const std::int32_t> item_degree, double exponent, std::uint32_t seed,
                  Isa isa = best_isa());

  /// False if the user (its rated items, ascending) leaves nothing to sample: every other item has
  /// degree zero. Then draw() must not be called.
  bool can_sample(std::span<const ItemId> rated) const;

  /// Draw k (0-based) for rating `id` of a user. Always terminates. Thread-safe.
  ItemId draw(std::span<const ItemId> rated, std::int64_t id, std::int32_t epoch,
              std::int32_t k) const;

  /// The same draws for k = 0 .. out.size() - 1 together, several times as fast.
  void draw_all(const RatedItems& rated, std::int64_t id, std::int32_t epoch,
                std::span<ItemId> out) const;

  /// Bytes this rank holds for all items.
  static std::int64_t bytes(std::int64_t items) { return items * 8; }

 private:
  double weight(ItemId item) const;
  /// `counter` without its last word. `is_rated` tests an item, `rated` lists them.
  template <class IsRated>
  ItemId draw_from(std::uint32_t attempt, std::int32_t k, RandomBlock counter,
                   std::span<const ItemId> rated, const IsRated& is_rated) const;
  ItemId invert_complement(std::span<const ItemId> rated, double unit) const;

  std::span<const std::int32_t> item_degree_;
  double exponent_;
  std::uint32_t seed_;
  const Kernels<Fp32>& kernels_;
  std::int64_t sampleable_ = 0;  // items of degree > 0
  AliasTable alias_;
};

}  // namespace siren::inline data
