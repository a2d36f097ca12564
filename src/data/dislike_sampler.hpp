// SPDX-License-Identifier: Apache-2.0
// Ordinal pairs: M of a liked rating's K negatives are disliked items of the same user, so that the
// loss puts liked above disliked items and not only above unseen ones. Such a pair is one of the
// liked rating's K terms, so with c = 1 (model/loss_term.hpp); disliked ratings keep their own c.
//
// Draws are uniform, with replacement. Draw k of rating id in an epoch is a place in the ascending
// list of the user's disliked train items, chosen by words 2 (k % 2), 2 (k % 2) + 1 of the block of
// random bits with counter (id lo, id hi, epoch, k / 2).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data/training_set.hpp"
#include "siren/ids.hpp"

namespace siren::inline data {

class DislikeSampler {
 public:
  /// Lists the disliked items of every local user; nothing if M = `pairs` is 0.
  DislikeSampler(const UserRatings& ratings, int pairs, std::uint32_t seed);

  /// Disliked items among the negatives of a rating: M if it is liked and its user has any, else 0.
  std::int64_t pairs_of(LocalRow user, std::int8_t sign) const {
    return pairs_ > 0 && sign > 0 && !disliked_by(user).empty() ? pairs_ : 0;
  }

  /// Draws k = 0 .. out.size() - 1 for rating `id`; the user must have disliked items. Thread-safe.
  void draw(LocalRow user, std::int64_t id, std::int32_t epoch, std::span<ItemId> out) const;

  /// Bytes for so many local users and their disliked train ratings.
  static std::int64_t bytes(std::int64_t users, std::int64_t disliked) {
    return (users + 1) * std::int64_t{sizeof(EdgeOffset)} + disliked * std::int64_t{sizeof(ItemId)};
  }

 private:
  std::span<const ItemId> disliked_by(LocalRow user) const {
    const EdgeOffset begin = offsets_[as_index(user)];
    return std::span(items_).subspan(as_index(begin),
                                     as_index(offsets_[as_index(user) + 1] - begin));
  }

  int pairs_;  // M
  std::uint32_t seed_;
  std::vector<EdgeOffset> offsets_{0};  // [local users + 1] into items_
  std::vector<ItemId> items_;
};

}  // namespace siren::inline data
