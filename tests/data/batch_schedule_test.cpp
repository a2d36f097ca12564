// SPDX-License-Identifier: Apache-2.0
#include "data/batch_schedule.hpp"

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include <gtest/gtest.h>
#include <omp.h>

#include "data/permutation.hpp"

namespace siren {
namespace {

/// A trainable rating as a batch lists it; `user` is global.
struct Entry {
  std::int64_t id;
  UserId user;
  ItemId item;
  int sign;
  friend auto operator<=>(const Entry&, const Entry&) =
      default;  // NOLINT(modernize-use-nullptr): false alarm of version 14
};

/// Ratings of 60 users by 40 items; some users have none, some only neutral ones.
class Schedule : public ::testing::TestWithParam<Trainable> {
 protected:
  static constexpr UserId kUsers = 60;

  Schedule() {
    std::mt19937 random(4);
    std::int64_t next_id = 0;
    for (UserId user = 0; user < kUsers; ++user)
      for (ItemId item = 0; item < 40; ++item) {
        if (user % 9 == 4 || random() % 3 != 0) continue;
        const int sign = user % 9 == 5 ? 0 : static_cast<int>(random() % 3) - 1;
        ratings_[user].push_back({-1, user, item, sign});
        ++(sign > 0 ? liked_ : sign < 0 ? disliked_ : neutral_);
        if (!is_trainable(GetParam(), static_cast<std::int8_t>(sign))) continue;
        ratings_[user].back().id = next_id;
        trainable_.push_back({next_id++, user, item, sign});
      }
  }

  /// The share of the rank that owns `users` (ascending).
  TrainingSet share(const std::vector<UserId>& users) {
    TrainingSet set;
    set.users = kUsers;
    set.items = 40;
    set.trainable = GetParam();
    set.liked = liked_;
    set.disliked = disliked_;
    set.neutral = neutral_;
    for (const UserId user : users) {
      const auto first = std::lower_bound(trainable_.begin(), trainable_.end(), user,
                                          [](const Entry& e, UserId u) { return e.user < u; });
      set.first_rating_id.push_back(first - trainable_.begin());
      for (const Entry& entry : ratings_[user]) {
        set.ratings.items.push_back(entry.item);
        set.ratings.signs.push_back(static_cast<std::int8_t>(entry.sign));
      }
      set.ratings.offsets.push_back(static_cast<EdgeOffset>(set.ratings.items.size()));
    }
    return set;
  }

  static std::vector<UserId> everyone() {
    std::vector<UserId> users;
    for (UserId user = 0; user < kUsers; ++user) users.push_back(user);
    return users;
  }

  static std::vector<Entry> entries(const BatchRatings& batch, const std::vector<UserId>& users) {
    std::vector<Entry> all;
    for (std::size_t n = 0; n < batch.user.size(); ++n)
      all.push_back({batch.id[n], users[static_cast<std::size_t>(batch.user[n])], batch.item[n],
                     batch.sign[n]});
    return all;
  }

  std::int64_t total() const { return static_cast<std::int64_t>(trainable_.size()); }

  std::map<UserId, std::vector<Entry>> ratings_;
  std::vector<Entry> trainable_;  // by id
  std::int64_t liked_ = 0;
  std::int64_t disliked_ = 0;
  std::int64_t neutral_ = 0;
};

TEST_P(Schedule, EachEpochVisitsEveryTrainableRatingOnce) {
  const TrainingSet set = share(everyone());
  for (const std::int64_t batch_size : {std::int64_t{1}, std::int64_t{7}, std::int64_t{100},
                                        total() - 1, total(), total() + 1, std::int64_t{1} << 40}) {
    BatchSchedule schedule(set, 11, batch_size);
    const std::int64_t steps = schedule.steps_per_epoch();
    ASSERT_EQ(steps, (total() + batch_size - 1) / batch_size);
    for (std::int32_t epoch = 1; epoch <= 2; ++epoch) {
      std::vector<Entry> seen;
      for (std::int64_t step = (epoch - 1) * steps + 1; step <= epoch * steps; ++step) {
        const BatchRatings batch = schedule.ratings_of(step);
        ASSERT_EQ(batch.epoch, epoch);
        ASSERT_EQ(schedule.epoch_of(step), epoch);
        ASSERT_EQ(schedule.ends_epoch(step), step == epoch * steps);
        const bool last = schedule.ends_epoch(step);
        ASSERT_EQ(batch.global_count, last ? total() - (steps - 1) * batch_size : batch_size)
            << "the last batch is what is left";
        ASSERT_EQ(batch.size(), batch.global_count);
        const auto listed = entries(batch, everyone());
        ASSERT_TRUE(
            std::is_sorted(listed.begin(), listed.end(), [](const Entry& a, const Entry& b) {
              return std::tie(a.user, a.item) < std::tie(b.user, b.item);
            }));
        seen.insert(seen.end(), listed.begin(), listed.end());
      }
      std::sort(seen.begin(), seen.end());
      ASSERT_EQ(seen, trainable_) << "batches of " << batch_size << ", epoch " << epoch;
    }
  }
}

TEST_P(Schedule, ABatchIsARunOfPositionsOfThePermutation) {
  const TrainingSet set = share(everyone());
  BatchSchedule schedule(set, 11, 50);
  for (const std::int64_t step :
       {std::int64_t{1}, std::int64_t{3}, schedule.steps_per_epoch() + 2}) {
    const EpochPermutation order(11, schedule.epoch_of(step), total());
    std::set<std::int64_t> want;
    for (std::int64_t id = 0; id < total(); ++id)
      if (order.position_of(id) / 50 == (step - 1) % schedule.steps_per_epoch()) want.insert(id);
    const BatchRatings batch = schedule.ratings_of(step);
    EXPECT_EQ(std::set<std::int64_t>(batch.id.begin(), batch.id.end()), want) << "step " << step;
  }
}

TEST_P(Schedule, DoesNotDependOnTheSplitOfUsersOverRanks) {
  const TrainingSet whole = share(everyone());
  BatchSchedule reference(whole, 3, 64);
  std::mt19937 random(8);
  for (const std::size_t ranks : {2U, 3U, 5U, 100U}) {  // with 100 some rank owns nobody
    std::vector<std::vector<UserId>> owned(ranks);
    for (UserId user = 0; user < kUsers; ++user) owned[random() % ranks].push_back(user);
    std::vector<BatchSchedule> schedules;
    for (const auto& users : owned) schedules.emplace_back(share(users), 3, 64);
    for (std::int64_t step = 1; step <= 2 * reference.steps_per_epoch(); ++step) {
      const BatchRatings all = reference.ratings_of(step);
      std::vector<Entry> together;
      for (std::size_t rank = 0; rank < ranks; ++rank) {
        const BatchRatings part = schedules[rank].ratings_of(step);
        ASSERT_EQ(part.global_count, all.global_count);
        const auto listed = entries(part, owned[rank]);
        together.insert(together.end(), listed.begin(), listed.end());
      }
      auto want = entries(all, everyone());
      std::sort(want.begin(), want.end());
      std::sort(together.begin(), together.end());
      ASSERT_EQ(together, want) << ranks << " ranks, step " << step;
    }
  }
}

TEST_P(Schedule, StepsMayBeAskedForInAnyOrderAndOnAnyNumberOfThreads) {
  const TrainingSet set = share(everyone());
  BatchSchedule forward(set, 3, 64);
  BatchSchedule backward(set, 3, 64);
  const std::int64_t last = 3 * forward.steps_per_epoch();
  std::vector<std::vector<Entry>> in_order;
  for (std::int64_t step = 1; step <= last; ++step)
    in_order.push_back(entries(forward.ratings_of(step), everyone()));
  omp_set_num_threads(3);
  for (std::int64_t step = last; step >= 1; --step)
    EXPECT_EQ(entries(backward.ratings_of(step), everyone()),
              in_order[static_cast<std::size_t>(step - 1)]);
  omp_set_num_threads(1);
}

TEST_P(Schedule, EpochsAndSeedsHaveDifferentBatches) {
  const TrainingSet set = share(everyone());
  BatchSchedule schedule(set, 3, 64);
  BatchSchedule other(set, 4, 64);
  const auto first = entries(schedule.ratings_of(1), everyone());
  EXPECT_NE(first, entries(schedule.ratings_of(schedule.steps_per_epoch() + 1), everyone()));
  EXPECT_NE(first, entries(other.ratings_of(1), everyone()));
}

INSTANTIATE_TEST_SUITE_P(Data, Schedule,
                         ::testing::Values(Trainable::kLikedAndDisliked, Trainable::kLikedOnly),
                         [](const auto& sample) {
                           return sample.param == Trainable::kLikedOnly ? "LikedOnly"
                                                                        : "LikedAndDisliked";
                         });

}  // namespace
}  // namespace siren
