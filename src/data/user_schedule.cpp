// SPDX-License-Identifier: Apache-2.0
#include "data/user_schedule.hpp"

#include <numeric>
#include <utility>

#include "data/permutation.hpp"
#include "siren/check.hpp"

namespace siren::inline data {

UserSchedule::UserSchedule(std::vector<std::int64_t> numbers, std::int64_t all, std::uint32_t seed,
                           std::int64_t batch_users)
    : numbers_(std::move(numbers)), all_(all), seed_(seed), batch_users_(batch_users) {
  SIREN_ASSERT(batch_users > 0 && all > 0, "batches of {} of {} users", batch_users, all);
}

void UserSchedule::bucket(std::int32_t epoch) {
  EpochPermutation order(seed_, epoch, all_);
  order.tabulate();
  std::vector<std::int64_t> step(numbers_.size(), kNoTerm);
  bucket_offsets_.assign(as_index(steps_per_epoch()) + 1, 0);
  for (std::size_t user = 0; user < numbers_.size(); ++user) {
    if (numbers_[user] == kNoTerm) continue;
    step[user] = order.position_of(numbers_[user]) / batch_users_;
    ++bucket_offsets_[as_index(step[user]) + 1];
  }
  std::partial_sum(bucket_offsets_.begin(), bucket_offsets_.end(), bucket_offsets_.begin());
  std::vector<std::int64_t> next(bucket_offsets_.begin(), bucket_offsets_.end() - 1);
  bucketed_.resize(as_index(bucket_offsets_.back()));
  for (std::size_t user = 0; user < numbers_.size(); ++user)
    if (step[user] != kNoTerm)
      bucketed_[as_index(next[as_index(step[user])]++)] = static_cast<LocalRow>(user);
  bucketed_epoch_ = epoch;
}

std::span<const LocalRow> UserSchedule::users_of(std::int64_t step) {
  if (const std::int32_t epoch = epoch_of(step); epoch != bucketed_epoch_) bucket(epoch);
  const std::int64_t within = (step - 1) % steps_per_epoch();
  const std::int64_t begin = bucket_offsets_[as_index(within)];
  return std::span(bucketed_).subspan(as_index(begin),
                                      as_index(bucket_offsets_[as_index(within) + 1] - begin));
}

}  // namespace siren::inline data
