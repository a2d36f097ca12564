// SPDX-License-Identifier: Apache-2.0
#include "observe/first_batch.hpp"

#include <algorithm>
#include <numeric>
#include <span>
#include <utility>

#include "core/timer.hpp"
#include "data/batch_schedule.hpp"
#include "data/dislike_sampler.hpp"
#include "data/negative_sampler.hpp"
#include "data/user_schedule.hpp"
#include "distributed/batch_planner.hpp"
#include "distributed/user_planner.hpp"
#include "train/polarity_trainer.hpp"
#include "train/step_loss.hpp"

namespace siren::inline observe {

namespace {

/// Numbers 0 .. ranks.size() - 1 in order of the ranks: a counting sort.
std::vector<std::int64_t> by_rank(std::span<const std::int32_t> of, int ranks) {
  std::vector<std::int64_t> next(as_index(ranks) + 1, 0);
  for (const std::int32_t rank : of) ++next[as_index(rank) + 1];
  std::partial_sum(next.begin(), next.end(), next.begin());
  std::vector<std::int64_t> order(of.size());
  for (std::size_t n = 0; n < of.size(); ++n)
    order[as_index(next[as_index(of[n])]++)] = static_cast<std::int64_t>(n);
  return order;
}

}  // namespace

FirstBatch::FirstBatch(const LoadedData& whole, const TrainConfig& config, Isa isa) {
  if (config.loss == LossKind::kSoftmax)
    choose_users(whole, config);
  else
    draw_ratings(whole, config, isa);
  if (trains_polarity(config, whole.train)) draw_polarity(whole, config);
}

void FirstBatch::draw_ratings(const LoadedData& whole, const TrainConfig& config, Isa isa) {
  const TrainingSet& set = whole.train;
  const NegativeSampler sampler(set.item_degree, config.exponent, config.seed, isa);
  const DislikeSampler dislikes(set.ratings, config.dislike_pairs, config.seed);
  BatchSchedule schedule(set, config.seed, config.batch);
  PhaseClock clock;
  BatchPlanner planner(Communicator::alone(),
                       {whole.layout, set, &sampler, &dislikes, schedule, config.negatives}, clock);
  planner.begin(1);
  const BatchPlan& plan = planner.finish();
  std::vector<ItemId> item_of_slot(as_index(plan.slot_count));
  plan.items.for_each(0, plan.items.words(), [&](std::int64_t slot, std::int64_t position) {
    item_of_slot[as_index(slot)] = static_cast<ItemId>(position);  // one rank: position = id
  });
  ratings_.users.assign(plan.ratings.user.begin(), plan.ratings.user.end());  // and row = id
  ratings_.items_of_each = config.negatives + 1;
  ratings_.items.reserve(ratings_.users.size() * as_index(ratings_.items_of_each));
  std::vector<std::int32_t> scratch;
  for (std::int64_t begin = 0; begin < plan.ratings.size(); begin += kChunkRatings) {
    const std::int64_t end = std::min(begin + kChunkRatings, plan.ratings.size());
    for (const std::int32_t slot : planner.chunk_slots(plan, begin, end, scratch))
      ratings_.items.push_back(slot == kNoItem ? kNoItem : item_of_slot[as_index(slot)]);
  }
}

void FirstBatch::choose_users(const LoadedData& whole, const TrainConfig& config) {
  const UserRatings& ratings = whole.train.ratings;
  std::vector<std::int64_t> numbers;
  std::int64_t with_term = 0;
  for (std::int64_t user = 0; user < ratings.users(); ++user)
    numbers.push_back(has_term(ratings, user, rating_weights(config)) ? with_term++
                                                                      : UserSchedule::kNoTerm);
  UserSchedule schedule(std::move(numbers), with_term, config.seed, config.batch_users);
  const std::span<const LocalRow> users = schedule.users_of(1);
  to_all_.assign(users.begin(), users.end());
}

void FirstBatch::draw_polarity(const LoadedData& whole, const TrainConfig& config) {
  const TrainingSet& set = whole.train;
  const std::int64_t steps = steps_in_epoch(Communicator::alone(), set, config);
  const std::int64_t batches = polarity_batches(config, set.trainable_count(), steps);
  BatchSchedule schedule(set, config.seed, config.polarity_batch, {Purpose::kPolarityOrder, {}});
  for (std::int64_t batch = 1; batch <= batches; ++batch) {
    BatchRatings ratings = schedule.ratings_of(batch);
    polarity_.push_back({std::move(ratings.user), std::move(ratings.item), 1});
  }
}

void FirstBatch::add(const RatingBatch& batch, const Partition& partition, RowTraffic& traffic) {
  std::vector<std::int32_t> rank_of;  // [ratings]
  rank_of.reserve(batch.users.size());
  for (const UserId user : batch.users) rank_of.push_back(partition.user_owner[as_index(user)]);
  std::vector<std::int32_t> last(partition.item_owner.size(), -1);  // rank that met the item last
  for (const std::int64_t rating : by_rank(rank_of, traffic.ranks())) {
    const std::int32_t rank = rank_of[as_index(rating)];
    const std::span<const ItemId> items =
        std::span(batch.items)
            .subspan(as_index(rating * batch.items_of_each), as_index(batch.items_of_each));
    if (items.front() == kNoItem) continue;
    for (const ItemId item : items) {
      if (std::exchange(last[as_index(item)], rank) == rank) continue;
      const std::int32_t owner = partition.item_owner[as_index(item)];
      if (owner != rank) traffic.add(owner, rank);
    }
  }
}

RowTraffic FirstBatch::traffic(const Partition& partition, int ranks) const {
  RowTraffic traffic(ranks);
  if (!ratings_.users.empty()) add(ratings_, partition, traffic);
  for (const UserId user : to_all_)
    for (std::int32_t rank = 0; rank < ranks; ++rank)
      if (rank != partition.user_owner[as_index(user)])
        traffic.add(partition.user_owner[as_index(user)], rank);
  return traffic;
}

RowTraffic FirstBatch::polarity_traffic(const Partition& partition, int ranks) const {
  RowTraffic traffic(ranks);
  for (const RatingBatch& batch : polarity_) add(batch, partition, traffic);
  return traffic;
}

}  // namespace siren::inline observe
