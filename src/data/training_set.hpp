// SPDX-License-Identifier: Apache-2.0
// Validation or test ratings of this rank's users: the ground truth of a ranking.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data/rating_cuts.hpp"
#include "siren/ids.hpp"

namespace siren::inline data {

/// Ratings by owned user (local user rows 0, 1, ...), items ascending within a user. A pair occurs
/// once. `sign` is +1 liked, -1 disliked, 0 neither (seen, but in no graph and no loss term).
struct UserRatings {
  std::vector<EdgeOffset> offsets{0};  // [local users + 1]
  std::vector<ItemId> items;
  std::vector<std::int8_t> signs;
  std::vector<std::int8_t> levels;  // [ratings] by TrainingSet::cuts; empty where there are none

  std::int64_t users() const { return static_cast<std::int64_t>(offsets.size()) - 1; }
  EdgeOffset count(std::int64_t user) const {
    return offsets[as_index(user) + 1] - offsets[as_index(user)];
  }
  /// The items that `user` has rated, ascending.
  std::span<const ItemId> items_of(std::int64_t user) const {
    return {items.data() + offsets[as_index(user)], static_cast<std::size_t>(count(user))};
  }
};

/// Which ratings carry a loss term.
enum class Trainable { kLikedAndDisliked, kLikedOnly, kAll };
constexpr bool is_trainable(Trainable which, std::int8_t sign) {
  return sign > 0 || which == Trainable::kAll ||
         (sign < 0 && which == Trainable::kLikedAndDisliked);
}

struct TrainingSet {
  std::int64_t users = 0;  // M, all ranks
  std::int64_t items = 0;  // N, all ranks
  UserRatings ratings;     // this rank's users
  Trainable trainable = Trainable::kLikedAndDisliked;

  // Over all ranks:
  std::int64_t liked = 0;
  std::int64_t disliked = 0;
  std::int64_t neutral = 0;
  std::vector<std::int32_t> item_degree;  // [N] train ratings of any sign: one of the O(N) arrays
  std::vector<std::int32_t> item_likes;   // [N] train ratings above the offset
  RatingCuts cuts;                        // if they were asked for

  /// Id of the first trainable rating of each local user [local users]: the rank of (user, item)
  /// among all trainable ratings, so that ids do not depend on the partition.
  std::vector<std::int64_t> first_rating_id;

  std::int64_t trainable_count() const {
    return liked + (trainable == Trainable::kLikedOnly ? 0 : disliked) +
           (trainable == Trainable::kAll ? neutral : 0);
  }
};

/// By owned user (local user rows), items ascending within a user, no pair twice, and none that is
/// also a training rating of the user (those are left out and counted).
struct HeldOutRatings {
  std::vector<EdgeOffset> offsets{0};  // [local users + 1]
  std::vector<ItemId> items;
  std::vector<std::uint8_t> relevant;  // rating > offset, or >= --relevant-from
  std::vector<std::uint8_t> disliked;  // rating < offset

  std::int64_t also_in_train = 0;      // pairs left out, this rank
  std::vector<LocalRow> relevant_out;  // of these, the relevant ones' users, ascending

  std::int64_t users() const { return static_cast<std::int64_t>(offsets.size()) - 1; }
};

}  // namespace siren::inline data
