// SPDX-License-Identifier: Apache-2.0
#include "train/training_memory.hpp"

#include "core/index_set.hpp"
#include "data/batch_schedule.hpp"
#include "data/dislike_sampler.hpp"
#include "data/negative_sampler.hpp"
#include "data/rated_filter.hpp"
#include "data/shared_sampler.hpp"
#include "data/user_schedule.hpp"
#include "distributed/batch_planner.hpp"
#include "distributed/user_planner.hpp"
#include "math/matrix.hpp"
#include "model/polarity.hpp"
#include "model/siren.hpp"
#include "siren/ids.hpp"
#include "train/model_state.hpp"

namespace siren::inline train {

namespace {

constexpr std::int64_t kItemId = sizeof(ItemId);
constexpr std::int64_t kNodeId = sizeof(NodeId);

/// TrainingSet, without what it has of all items.
std::int64_t set_bytes(const RatingCounts& counts) {
  return counts.ratings * (kItemId + 1) + (2 * counts.users + 1) * std::int64_t{sizeof(EdgeOffset)};
}

std::int64_t polarity_schedule_bytes(const TrainConfig& config, const MemoryShare& share) {
  if (share.polarity_ratings == 0) return 0;
  const RatingCounts& counts = share.ratings;
  const std::int64_t batches = steps_per_epoch(share.polarity_ratings, config.polarity_batch);
  return counts.ratings  // levels
         + BatchSchedule::bytes(counts.users, counts.ratings, batches) +
         BatchPlanner::row_bytes(share.graph.rows);
}

std::int64_t schedule_bytes(const TrainConfig& config, const MemoryShare& share) {
  const RatingCounts& counts = share.ratings;
  if (config.loss == LossKind::kSoftmax)
    return UserSchedule::bytes(counts.users, share.steps_per_epoch) +
           UserPlanner::row_bytes(counts.users, share.graph.rows - counts.users,
                                  config.shared_negatives > 0);
  const std::int64_t dislikes =
      config.dislike_pairs > 0 ? DislikeSampler::bytes(counts.users, counts.disliked) : 0;
  return dislikes + BatchSchedule::bytes(counts.users, counts.trainable, share.steps_per_epoch) +
         RatedFilter::bytes(counts.users, counts.filter_words) +
         BatchPlanner::row_bytes(share.graph.rows);
}

/// Of the polarity branch; zeros if there is none.
struct PolarityBytes {
  std::int64_t tables = 0;  // and moments
  std::int64_t gradients = 0;
  std::int64_t sums = 0;  // of the gradients of its layers
};
template <class Precision>
PolarityBytes polarity_bytes(const TrainConfig& config, const MemoryShare& share) {
  using Real = typename Precision::Real;
  constexpr std::int64_t kSums = 3 * sizeof(double);  // own, and what the all-reduce holds of them
  if (share.polarity_ratings == 0) return {};
  const ParameterLayout layout =
      polarity_layout(config.polarity_dimension, kMostCuts, config.polarity_layers);
  return {3 * ParameterSet<Real>::bytes(layout, share.graph.rows),
          Gradients<Real>::bytes(layout, share.graph.rows),
          config.polarity_layers > 0
              ? BlockSum<Real>::bytes(layout.dense.size()) + kSums * layout.dense.size()
              : 0};
}

template <class Precision>
std::vector<MemoryUse> memory_in(const TrainConfig& config, const MemoryShare& share) {
  using Real = typename Precision::Real;
  const GraphSize& graph = share.graph;
  const RatingCounts& counts = share.ratings;
  const ParameterLayout layout =
      parameter_layout(shape_of(config, share.all_users + share.all_items));
  const std::int64_t sets = 3 + (config.average > 0.0 ? 1 : 0);  // two moments, a running mean
  const PolarityBytes polarity = polarity_bytes<Precision>(config, share);
  const std::int64_t zp = graph.rows * padded(config.dimension) * std::int64_t{sizeof(Real)};
  return {{"embeddings and moments",
           sets * ParameterSet<Real>::bytes(layout, graph.rows) + polarity.tables},
          {"gradients", Gradients<Real>::bytes(layout, graph.rows) + zp + polarity.gradients},
          {"layer tables and halo",
           Propagation<Precision>::bytes(
               graph, config.dimension,
               layer_weights(config.layer_weights, model_spec(config).layers), share.halo)},
          {"edges", graph.bytes},
          {"ratings and schedule", set_bytes(counts) + graph.rows * kNodeId +
                                       schedule_bytes(config, share) +
                                       polarity_schedule_bytes(config, share)},
          {"batch rows", BlockSum<Real>::bytes(layout.dense.size()) + polarity.sums},
          {"all items (every rank)",
           // degree, likes, owner
           share.all_items * std::int64_t{3 * sizeof(std::int32_t)} +
               (share.polarity_ratings > 0 ? BatchPlanner::item_bytes(share.all_items) : 0) +
               (config.loss == LossKind::kSoftmax
                    ? (config.shared_negatives > 0 ? SharedSampler::bytes(share.all_items) : 0)
                    : NegativeSampler::bytes(share.all_items) +
                          BatchPlanner::item_bytes(share.all_items))}};
}

}  // namespace

void RatingCounts::add(const TrainingSet& set, std::int64_t user) {
  const UserRatings& of = set.ratings;
  const EdgeOffset count = of.count(user);
  ++users;
  ratings += count;
  filter_words += RatedFilter::words(count, set.items);
  for (EdgeOffset e = of.offsets[as_index(user)]; e < of.offsets[as_index(user) + 1]; ++e) {
    const std::int8_t sign = of.signs[as_index(e)];
    trainable += is_trainable(set.trainable, sign) ? 1 : 0;
    disliked += sign < 0 ? 1 : 0;
  }
}

std::vector<MemoryUse> training_memory(const TrainConfig& config, const MemoryShare& share) {
  return with_precision(config.storage,
                        [&]<class Precision>() { return memory_in<Precision>(config, share); });
}

}  // namespace siren::inline train
