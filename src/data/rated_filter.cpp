// SPDX-License-Identifier: Apache-2.0
#include "data/rated_filter.hpp"

namespace siren::inline data {

std::int64_t RatedFilter::words(std::int64_t ratings, std::int64_t items) {
  constexpr std::uint64_t kBitsPerItem = 8;
  constexpr std::uint64_t kMostBits = std::uint64_t{1} << 31;  // beyond, more items share a bit
  const std::uint64_t wanted = kBitsPerItem * static_cast<std::uint64_t>(ratings);
  const std::uint64_t bits = has_all_items(ratings, items)
                                 ? static_cast<std::uint64_t>(items)
                                 : std::bit_ceil(std::clamp<std::uint64_t>(wanted, 64, kMostBits));
  return static_cast<std::int64_t>((bits + 63) / 64);
}

RatedFilter::RatedFilter(const UserRatings& ratings, std::int64_t items)
    : ratings_(ratings), items_(items) {
  offsets_.reserve(ratings.offsets.size());
  for (std::int64_t user = 0; user < ratings.users(); ++user)
    offsets_.push_back(offsets_.back() + words(ratings.count(user), items));
  marks_.assign(static_cast<std::size_t>(offsets_.back()), 0);
  for (std::int64_t user = 0; user < ratings.users(); ++user) {
    const int shift = of(user).shift;
    std::uint64_t* marks = marks_.data() + offsets_[static_cast<std::size_t>(user)];
    for (const ItemId item : ratings.items_of(user)) {
      const std::uint32_t mark = RatedItems::mark_of(item, shift);
      marks[mark >> 6] |= std::uint64_t{1} << (mark & 63);
    }
  }
}

}  // namespace siren::inline data
