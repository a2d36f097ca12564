// SPDX-License-Identifier: Apache-2.0
#include "data/batch_schedule.hpp"

#include <algorithm>
#include <numeric>

#include "data/permutation.hpp"
#include "math/parallel.hpp"
#include "siren/check.hpp"
#include "siren/ids.hpp"

namespace siren::inline data {

namespace {

constexpr std::int64_t kUsersPerTile = 64;
constexpr std::int64_t kRatingsPerTile = 128;

}  // namespace

BatchSchedule::BatchSchedule(const TrainingSet& set, std::uint32_t seed, std::int64_t batch_size,
                             const BatchOrder& order)
    : seed_(seed),
      purpose_(order.purpose),
      batch_size_(batch_size),
      all_trainable_(set.trainable_count()),
      first_id_(set.first_rating_id) {
  const UserRatings& ratings = set.ratings;
  const std::span<const std::int8_t> marks =
      order.marks.empty() ? std::span(ratings.signs) : order.marks;
  const auto trainable = static_cast<std::size_t>(
      std::count_if(ratings.signs.begin(), ratings.signs.end(),
                    [&](std::int8_t sign) { return is_trainable(set.trainable, sign); }));
  offsets_.reserve(ratings.offsets.size());
  items_.reserve(trainable);
  signs_.reserve(trainable);
  for (std::int64_t user = 0; user < ratings.users(); ++user) {
    for (EdgeOffset e = ratings.offsets[as_index(user)]; e < ratings.offsets[as_index(user) + 1];
         ++e) {
      if (!is_trainable(set.trainable, ratings.signs[as_index(e)])) continue;
      items_.push_back(ratings.items[as_index(e)]);
      signs_.push_back(marks[as_index(e)]);
    }
    offsets_.push_back(static_cast<EdgeOffset>(items_.size()));
  }
  SIREN_ASSERT(batch_size > 0 && all_trainable_ > 0, "batch of {} from {} ratings", batch_size,
               all_trainable_);
}

std::int64_t BatchSchedule::steps_per_epoch() const {
  return siren::steps_per_epoch(all_trainable_, batch_size_);
}

void BatchSchedule::bucket(std::int32_t epoch) {
  EpochPermutation order(seed_, epoch, all_trainable_, purpose_);
  order.tabulate();
  std::vector<std::int64_t> step(items_.size());
  const auto users = static_cast<std::int64_t>(first_id_.size());
  parallel_blocks(users, kUsersPerTile, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t user = begin; user < end; ++user)
      for (EdgeOffset t = offsets_[as_index(user)]; t < offsets_[as_index(user) + 1]; ++t)
        step[as_index(t)] =
            order.position_of(first_id_[as_index(user)] + t - offsets_[as_index(user)]) /
            batch_size_;
  });

  bucket_offsets_.assign(as_index(steps_per_epoch()) + 1, 0);
  for (const std::int64_t s : step) ++bucket_offsets_[as_index(s) + 1];
  std::partial_sum(bucket_offsets_.begin(), bucket_offsets_.end(), bucket_offsets_.begin());
  std::vector<EdgeOffset> next(bucket_offsets_.begin(), bucket_offsets_.end() - 1);
  bucketed_.resize(items_.size());
  for (std::size_t t = 0; t < step.size(); ++t)
    bucketed_[as_index(next[as_index(step[t])]++)] = static_cast<EdgeOffset>(t);
  bucketed_epoch_ = epoch;
}

/// The user of rating t, who is not before `user`: near, if batches are large.
BatchSchedule::Owner BatchSchedule::owner_of(EdgeOffset t, Owner user) const {
  std::ptrdiff_t reach = 1;
  while (offsets_.end() - user > reach && user[reach] <= t) {
    user += reach;
    reach *= 2;
  }
  return std::upper_bound(user, user + std::min(reach, offsets_.end() - user), t) - 1;
}

BatchRatings BatchSchedule::ratings_of(std::int64_t step) {
  const std::int32_t epoch = epoch_of(step);
  if (epoch != bucketed_epoch_) bucket(epoch);
  const std::int64_t within = (step - 1) % steps_per_epoch();
  BatchRatings batch;
  batch.epoch = epoch;
  batch.global_count = std::min(batch_size_, all_trainable_ - within * batch_size_);
  const EdgeOffset first = bucket_offsets_[as_index(within)];
  const EdgeOffset count = bucket_offsets_[as_index(within) + 1] - first;
  batch.user.resize(as_index(count));
  batch.item.resize(as_index(count));
  batch.sign.resize(as_index(count));
  batch.id.resize(as_index(count));
  parallel_blocks(count, kRatingsPerTile, [&](std::int64_t begin, std::int64_t end) {
    auto owner = offsets_.cbegin();
    for (std::int64_t i = begin; i < end; ++i) {
      const EdgeOffset t = bucketed_[as_index(first + i)];
      owner = owner_of(t, owner);
      const auto user = owner - offsets_.cbegin();
      batch.user[as_index(i)] = static_cast<LocalRow>(user);
      batch.item[as_index(i)] = items_[as_index(t)];
      batch.sign[as_index(i)] = signs_[as_index(t)];
      batch.id[as_index(i)] = first_id_[as_index(user)] + t - *owner;
    }
  });
  return batch;
}

std::int64_t BatchSchedule::bytes(std::int64_t local_users, std::int64_t trainable,
                                  std::int64_t steps_per_epoch) {
  constexpr std::int64_t kRating = sizeof(ItemId) + sizeof(std::int8_t) + sizeof(EdgeOffset);
  return trainable * kRating +
         (2 * local_users + 1 + steps_per_epoch + 1) * std::int64_t{sizeof(EdgeOffset)};
}

}  // namespace siren::inline data
