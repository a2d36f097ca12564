// SPDX-License-Identifier: Apache-2.0
// Which of this rank's ratings belong to which step. A global batch is B consecutive positions of
// the epoch's permutation; every rank evaluates the permutation for its own ratings once per epoch
// and buckets them by step. The last batch of an epoch is smaller.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/rng.hpp"
#include "data/training_set.hpp"

namespace siren::inline data {

/// This rank's ratings of one step, in order of (user, item).
struct BatchRatings {
  std::int32_t epoch = 0;         // from 1
  std::int64_t global_count = 0;  // ratings in the batch over all ranks
  std::vector<LocalRow> user;     // local user row
  std::vector<ItemId> item;
  std::vector<std::int8_t> sign;  // +1 or -1, or what BatchOrder says
  std::vector<std::int64_t> id;   // rating id, the key of its random draws

  std::int64_t size() const { return static_cast<std::int64_t>(user.size()); }
};

/// The last batch of an epoch may be smaller.
constexpr std::int64_t steps_per_epoch(std::int64_t trainable_ratings, std::int64_t batch_size) {
  return (trainable_ratings + batch_size - 1) / batch_size;
}

/// How a schedule differs from that of signs.
struct BatchOrder {
  Purpose purpose = Purpose::kPermutation;
  std::span<const std::int8_t> marks;  // [ratings] given in place of signs; empty: signs
};

class BatchSchedule {
 public:
  /// Keeps its own copy of the trainable ratings' items and signs.
  BatchSchedule(const TrainingSet& set, std::uint32_t seed, std::int64_t batch_size,
                const BatchOrder& order = {});

  std::int64_t steps_per_epoch() const;
  std::int32_t epoch_of(std::int64_t step) const {
    return static_cast<std::int32_t>((step - 1) / steps_per_epoch()) + 1;
  }
  bool ends_epoch(std::int64_t step) const { return step % steps_per_epoch() == 0; }

  /// The ratings of a global step (from 1). Steps may be asked for in any order; a change of epoch
  /// costs one pass over this rank's ratings.
  BatchRatings ratings_of(std::int64_t step);

  static std::int64_t bytes(std::int64_t local_users, std::int64_t trainable,
                            std::int64_t steps_per_epoch);

 private:
  using Owner = std::vector<EdgeOffset>::const_iterator;  // in offsets_
  void bucket(std::int32_t epoch);
  Owner owner_of(EdgeOffset t, Owner user) const;

  std::uint32_t seed_;
  Purpose purpose_;
  std::int64_t batch_size_;
  std::int64_t all_trainable_;
  std::vector<std::int64_t> first_id_;  // [local users]
  std::vector<EdgeOffset> offsets_{0};  // [local users + 1] into the arrays below
  std::vector<ItemId> items_;           // trainable ratings only
  std::vector<std::int8_t> signs_;
  std::int32_t bucketed_epoch_ = 0;
  std::vector<EdgeOffset> bucket_offsets_;  // [steps per epoch + 1]
  std::vector<EdgeOffset> bucketed_;        // rating numbers by step, ascending within a step
};

}  // namespace siren::inline data
