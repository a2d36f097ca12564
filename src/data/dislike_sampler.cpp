// SPDX-License-Identifier: Apache-2.0
#include "data/dislike_sampler.hpp"

#include <algorithm>

#include "core/rng.hpp"

namespace siren::inline data {

DislikeSampler::DislikeSampler(const UserRatings& ratings, int pairs, std::uint32_t seed)
    : pairs_(pairs), seed_(seed) {
  if (pairs == 0) return;
  offsets_.reserve(ratings.offsets.size());
  items_.reserve(as_index(std::count(ratings.signs.begin(), ratings.signs.end(), -1)));
  for (std::size_t user = 1; user < ratings.offsets.size(); ++user) {
    for (EdgeOffset e = ratings.offsets[user - 1]; e < ratings.offsets[user]; ++e)
      if (ratings.signs[as_index(e)] < 0) items_.push_back(ratings.items[as_index(e)]);
    offsets_.push_back(std::ssize(items_));
  }
}

void DislikeSampler::draw(LocalRow user, std::int64_t id, std::int32_t epoch,
                          std::span<ItemId> out) const {
  RandomBlock counter = {low_word(id), high_word(id), static_cast<std::uint32_t>(epoch), 0};
  RandomBlock bits{};
  for (std::size_t k = 0; k < out.size(); ++k) {
    counter[3] = static_cast<std::uint32_t>(k / 2);
    if (k % 2 == 0) bits = random_block(seed_, Purpose::kDislikePair, counter);
    const std::span<const ItemId> disliked = disliked_by(user);
    out[k] = disliked[scale_to(bits[k % 2 * 2], bits[k % 2 * 2 + 1], disliked.size())];
  }
}

}  // namespace siren::inline data
