// SPDX-License-Identifier: Apache-2.0
#include "observe/rank_plan.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <utility>

#include "comm/ordered_sum.hpp"
#include "data/batch_schedule.hpp"
#include "distributed/batch_planner.hpp"
#include "distributed/liked_graph.hpp"
#include "math/matrix.hpp"
#include "model/catalogue_loss.hpp"
#include "model/polarity.hpp"
#include "siren/ids.hpp"
#include "train/model_state.hpp"
#include "train/polarity_trainer.hpp"
#include "train/step_loss.hpp"
#include "train/step_work.hpp"

namespace siren::inline observe {

namespace {

/// What a rank and all ranks have, as far as the batch of a step depends on it.
struct BatchShare {
  std::int64_t users;  // owned
  std::int64_t items;  // owned
  std::int64_t edges;  // anchored here
  std::int64_t all_users;
  std::int64_t all_items;
  std::int64_t trainable;  // ratings of all ranks with a loss term
  double share;            // of them, that are here
  std::int64_t rows() const { return users + items; }
};

/// At most: every draw of the batch is another item, and every layer visits all edges. Returns how
/// many rows of items the rank needs.
std::int64_t count_step(const TrainConfig& config, const BatchShare& of, RankPlan& plan) {
  const auto [real, stored] = number_bytes(config.storage);
  const std::int64_t width = padded(config.dimension);
  const std::int64_t layers = model_spec(config).layers;
  const bool disliked = model_spec(config).disliked_branch;
  const std::int64_t all = std::min(config.batch, of.trainable);
  const std::int64_t batch = std::llround(of.share * static_cast<double>(all));
  const std::int64_t own_items = std::min(config.batch * (config.negatives + 1), of.items);
  const std::int64_t slots = std::min(batch * (config.negatives + 1), of.all_items);
  const std::int64_t needed = std::min(batch, of.rows() - own_items) + own_items;
  const std::int64_t kept =
      disliked ? config.mlp_layers + 1 + 2 + 1 : 0;  // activations, fusion, dY0

  plan.batch_bytes = width * (needed * ((kept + 3) * real + stored) + slots * (real + 2 * stored));
  plan.work = step_work(config, {of.rows(), needed, batch * (config.negatives + 1), real, stored});
  plan.work.edge_visits = 2 * layers * 2 * of.edges;
  return slots;
}

/// At most: every user has a term, every item is of the catalogue. Returns how many rows of users
/// the rank needs.
std::int64_t count_softmax_step(const TrainConfig& config, const BatchShare& of, RankPlan& plan) {
  const auto [real, stored] = number_bytes(config.storage);
  const std::int64_t width = padded(config.dimension);
  const std::int64_t slots = std::min(config.batch_users, of.all_users);
  const std::int64_t draws = config.shared_negatives;
  const std::int64_t summed =
      draws == 0 ? of.items
                 : std::min(of.items, (draws * of.items + of.all_items - 1) / of.all_items);
  const std::int64_t mine = std::min(slots, (slots * of.users + of.all_users - 1) / of.all_users);
  const std::int64_t needed = mine + of.items;
  const std::int64_t kept = model_spec(config).disliked_branch ? config.mlp_layers + 4 : 0;
  const std::int64_t chunk =
      std::min(slots, config.storage == Storage::kFp64 ? CatalogueLoss<Fp64>::chunk_users(summed)
                                                       : CatalogueLoss<Fp32>::chunk_users(summed));

  plan.batch_bytes = width * (needed * ((kept + 3) * real + stored) + summed * real +
                              slots * (2 * real + 2 * stored)) +
                     chunk * padded(summed) * real;
  plan.work = step_work(config, {of.rows(), needed, slots * summed, real, stored});
  plan.work.edge_visits = 2 * std::int64_t{model_spec(config).layers} * 2 * of.edges;
  return slots;
}

/// At most: every rating of a batch is of another user and another item. Returns how many rows of
/// items the rank needs in all `batches`.
std::int64_t count_polarity(const TrainConfig& config, const BatchShare& of, std::int64_t batches,
                            RankPlan& plan) {
  const auto [real, stored] = number_bytes(config.storage);
  const std::int64_t all = std::min(config.polarity_batch, of.trainable);
  const std::int64_t batch = std::llround(of.share * static_cast<double>(all));
  const std::int64_t slots = std::min(batch, of.all_items);
  const std::int64_t needed = std::min(batch, of.users) + std::min(all, of.items);
  const std::int64_t width = padded(config.polarity_dimension + 2);
  plan.batch_bytes += width * (needed * (3 * real + stored) + slots * (real + 2 * stored));
  if (config.polarity_layers > 0)  // activations, and gradients on both sides of the layers
    plan.batch_bytes +=
        padded(config.polarity_dimension) * needed * (config.polarity_layers + 1 + 2) * real;
  add_polarity_work(config, {batches * batch, batches * of.rows(), batches * needed, real},
                    plan.work);
  return batches * slots;
}

/// Rows that `rank` needs come from all others alike.
void add_evenly(std::int64_t slots, int rank, RowTraffic& traffic) {
  const int ranks = traffic.ranks();
  for (int from = 0; from < ranks; ++from)
    if (from != rank) traffic.add(from, rank, (slots + ranks - 1) / ranks);
}

/// Bytes of both directions, by rank.
std::vector<std::int64_t> bytes_sent(const RowTraffic& traffic, std::int64_t row_bytes) {
  std::vector<std::int64_t> bytes(as_index(traffic.ranks()), 0);
  for (int from = 0; from < traffic.ranks(); ++from)
    for (int to = 0; to < traffic.ranks(); ++to) {
      const std::int64_t sent = row_bytes * traffic.rows(from, to);
      bytes[as_index(from)] += sent;
      bytes[as_index(to)] += sent;
    }
  return bytes;
}

void add_bytes_sent(LayoutPlan& plan) {
  const auto of_batch = bytes_sent(plan.batch_rows, plan.batch_row_bytes);
  const auto of_polarity = bytes_sent(plan.polarity_rows, plan.polarity_row_bytes);
  for (std::size_t rank = 0; rank < plan.ranks.size(); ++rank)
    plan.ranks[rank].row_bytes = of_batch[rank] + of_polarity[rank];
}

CountedPart scaled(CountedPart part, std::int64_t scale) {
  for (std::int64_t* count : {&part.size.rows, &part.size.travelling_rows, &part.size.halo_rows,
                              &part.size.bytes, &part.edges, &part.halo_edges, &part.rows_expanded})
    *count *= scale;
  return part;
}

RatingCounts scaled(RatingCounts counts, std::int64_t scale) {
  for (std::int64_t* count :
       {&counts.users, &counts.ratings, &counts.trainable, &counts.disliked, &counts.filter_words})
    *count *= scale;
  return counts;
}

RatingEdges edges_of(const TrainingSet& train, double edge_weight, bool lists_items) {
  const UserRatings& ratings = train.ratings;
  RatingEdges edges{
      std::vector<std::int32_t>(as_index(train.users), 0), item_edges(train, edge_weight), {}};
  for (std::int64_t user = 0; user < train.users; ++user)
    for (EdgeOffset e = ratings.offsets[as_index(user)]; e < ratings.offsets[as_index(user) + 1];
         ++e) {
      if (!is_edge(ratings.signs[as_index(e)], edge_weight)) continue;
      ++edges.of_user[as_index(user)];
      if (lists_items) edges.items.push_back(ratings.items[as_index(e)]);
    }
  return edges;
}

}  // namespace

std::int64_t RankPlan::bytes() const {
  return std::accumulate(memory.begin(), memory.end(), batch_bytes,
                         [](std::int64_t sum, const MemoryUse& use) { return sum + use.bytes; });
}

LayoutTrial::LayoutTrial(const LoadedData& whole, const DataConfig& data, const TrainConfig& config,
                         int ranks)
    : train_(whole.train), ranks_(ranks), layer_rows_(ranks), counts_(as_index(ranks)) {
  const Travel travel = resolve(data.travel, train_.users, train_.items);
  const double edge_weight = model_spec(config).edge_weight;
  partition_ = partition_by_work(
      data.partition, edges_of(train_, edge_weight, looks_at_edges(data.partition)),
      weighs_items_as_travelling(travel, train_.users, train_.items), ranks, config.seed);
  parts_ = count_graph(partition_, ranks, train_.ratings, {travel, edge_weight}, &layer_rows_);
  for (std::int64_t user = 0; user < train_.users; ++user)
    counts_[as_index(partition_.user_owner[as_index(user)])].add(train_, user);
}

LayoutPlan LayoutTrial::plan(const TrainConfig& config, const FirstBatch& batch) const {
  LayoutPlan plan = start(config, 1);
  plan.batch_rows = batch.traffic(partition_, ranks_);
  plan.polarity_rows = batch.polarity_traffic(partition_, ranks_);
  add_bytes_sent(plan);
  return plan;
}

LayoutPlan LayoutTrial::plan_scaled(const TrainConfig& config, std::int64_t scale) const {
  LayoutPlan plan = start(config, scale);
  add_bytes_sent(plan);
  return plan;
}

LayoutTrial::Sizes LayoutTrial::sizes(const TrainConfig& config, std::int64_t scale) const {
  return {scale * train_.users, scale * train_.items, scale * train_.trainable_count(),
          scale * steps_in_epoch(Communicator::alone(), train_, config)};
}

/// Rows of the batch travel as if every draw were another one.
LayoutPlan LayoutTrial::start(const TrainConfig& config, std::int64_t scale) const {
  const std::int64_t stored = number_bytes(config.storage).stored;
  const Sizes all = sizes(config, scale);
  const std::int64_t batches =
      trains_polarity(config, train_) ? polarity_batches(config, all.trainable, all.steps) : 0;
  LayoutPlan plan{{},
                  model_spec(config).layers,
                  layer_rows_,
                  scale * padded(config.dimension) * stored,
                  RowTraffic(ranks_),
                  padded(config.dimension) * stored,
                  RowTraffic(ranks_),
                  padded(config.polarity_dimension + 2) * stored,
                  batches};
  for (int rank = 0; rank < ranks_; ++rank) {
    plan.ranks.push_back(plan_of(config, all, rank, scale));
    RankPlan& of_rank = plan.ranks.back();
    const RatingCounts& counts = counts_[as_index(rank)];
    const CountedPart& part = parts_[as_index(rank)];
    const BatchShare share{
        scale * counts.users,
        scale * (part.size.rows - counts.users),
        of_rank.edges,
        all.users,
        all.items,
        all.trainable,
        static_cast<double>(counts.trainable) / static_cast<double>(train_.trainable_count())};
    if (config.loss == LossKind::kSoftmax)
      add_evenly(count_softmax_step(config, share, of_rank), rank, plan.batch_rows);
    else
      add_evenly(count_step(config, share, of_rank), rank, plan.batch_rows);
    if (batches > 0)
      add_evenly(count_polarity(config, share, batches, of_rank), rank, plan.polarity_rows);
  }
  add_sum_bytes(config, batches, plan);
  return plan;
}

RankPlan LayoutTrial::plan_of(const TrainConfig& config, const Sizes& sizes, int rank,
                              std::int64_t scale) const {
  const CountedPart part = scaled(parts_[as_index(rank)], scale);
  const RatingCounts counts = scaled(counts_[as_index(rank)], scale);
  RankPlan plan;
  plan.memory = training_memory(config, {part.size, counts, sizes.steps, sizes.users, sizes.items,
                                         most_halo_memory(config, part.rows_expanded),
                                         trains_polarity(config, train_) ? sizes.trainable : 0});
  plan.rows_sent = part.rows_expanded + part.size.halo_rows;
  plan.layer_bytes = 2 * std::int64_t{model_spec(config).layers} * plan.rows_sent *
                     padded(config.dimension) * number_bytes(config.storage).stored;
  plan.edges = part.edges;
  plan.halo_edges = part.halo_edges;
  plan.ratings = counts.trainable;
  return plan;
}

void LayoutTrial::add_sum_bytes(const TrainConfig& config, std::int64_t batches,
                                LayoutPlan& plan) const {
  constexpr std::int64_t kDouble = sizeof(double);
  const std::int64_t dense =
      parameter_layout(shape_of(config, train_.users + train_.items)).dense.size();
  std::int64_t of_polarity = 0;
  if (batches > 0) {
    const std::int64_t cuts = train_.cuts.count();
    const DenseLayout layers =
        polarity_layout(config.polarity_dimension, cuts, config.polarity_layers).dense;
    of_polarity = kPolaritySums + cuts;
    if (config.polarity_layers > 0) of_polarity += layers.size() - layers.weight(0);
  }
  for (std::int64_t rank = 0; rank < ranks_; ++rank)
    plan.ranks[as_index(rank)].sum_bytes =
        number_bytes(config.storage).real * values_sent_in_sum(dense, rank, ranks_) +
        kDouble * values_sent_in_sum(kStepSums, rank, ranks_) +
        batches * kDouble * values_sent_in_sum(of_polarity, rank, ranks_);
}

/// As if some ranks were on the rank's node and some elsewhere, where they may share memory: no
/// rank then takes more than is planned.
HaloMemory LayoutTrial::most_halo_memory(const TrainConfig& config, std::int64_t rows_sent) const {
  return {config.shared_memory == OnOff::kOn && ranks_ > 1, rows_sent};
}

}  // namespace siren::inline observe
