// SPDX-License-Identifier: Apache-2.0
// By which the sampler sees at once whether a user has rated an item: some bits for each user, of
// which every rated item sets one. A user with many ratings has a bit for every item. The others
// have 8 to 16 bits a rating: an item whose bit is not set is not rated, the rest, about one in
// twelve of those that are not rated, has to be looked up.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <span>
#include <vector>

#include "data/training_set.hpp"

namespace siren::inline data {

/// The rated items of one user. Non-owning.
struct RatedItems {
  std::span<const ItemId> items;  // ascending
  const std::uint64_t* marks;
  int shift;  // a hash of 32 bits, shifted right by this, is the number of a mark; 0: the item is

  bool contains(ItemId item) const {
    const std::uint32_t mark = mark_of(item, shift);
    return (marks[mark >> 6] >> (mark & 63) & 1) != 0 && (shift == 0 || is_listed(item));
  }
  /// Binary search without branches, which could not be predicted.
  bool is_listed(ItemId item) const {
    const ItemId* at = items.data();
    for (std::size_t left = items.size(); left > 1;) {
      const std::size_t half = left / 2;
      at += half * static_cast<std::size_t>(at[half - 1] < item);
      left -= half;
    }
    return !items.empty() && *at == item;
  }
  static std::uint32_t mark_of(ItemId item, int shift) {
    const auto number = static_cast<std::uint32_t>(item);
    return shift == 0 ? number : number * 0x9E3779B1U >> shift;
  }
};

class RatedFilter {
 public:
  /// `ratings` of items [0, items) is borrowed. Takes at most 32 bits a rating, and two words for
  /// each user.
  RatedFilter(const UserRatings& ratings, std::int64_t items);

  RatedItems of(std::int64_t user) const {
    const auto u = static_cast<std::size_t>(user);
    const auto bits = static_cast<std::uint32_t>(64 * (offsets_[u + 1] - offsets_[u]));
    const int shift = has_all_items(ratings_.count(user), items_)
                          ? 0
                          : 33 - static_cast<int>(std::bit_width(bits));
    return {ratings_.items_of(user), marks_.data() + offsets_[u], shift};
  }
  /// Asks for the marks of a user.
  void expect(std::int64_t user) const {
    const auto u = static_cast<std::size_t>(user);
    for (std::int64_t word = offsets_[u]; word < offsets_[u + 1]; word += 8)
      __builtin_prefetch(marks_.data() + word);
  }
  /// Words of 64 bits that a user with so many ratings takes.
  static std::int64_t words(std::int64_t ratings, std::int64_t items);
  static std::int64_t bytes(std::int64_t users, std::int64_t words) {
    return (users + 1 + words) * std::int64_t{sizeof(std::uint64_t)};
  }

 private:
  static constexpr std::int64_t kMostBitsPerRating = 32;
  static bool has_all_items(std::int64_t ratings, std::int64_t items) {
    return items <= kMostBitsPerRating * ratings;
  }

  const UserRatings& ratings_;
  std::int64_t items_;
  std::vector<std::int64_t> offsets_{0};  // [users + 1] in words
  std::vector<std::uint64_t> marks_;
};

}  // namespace siren::inline data
