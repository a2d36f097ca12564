// SPDX-License-Identifier: Apache-2.0
#include "observe/rank_plan.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>
#include <string>
#include <utility>

#include "data/batch_schedule.hpp"
#include "distributed/batch_planner.hpp"
#include "distributed/graph_count.hpp"
#include "distributed/liked_graph.hpp"
#include "distributed/partition.hpp"
#include "math/matrix.hpp"
#include "model/catalogue_loss.hpp"
#include "siren/ids.hpp"
#include "train/polarity_trainer.hpp"
#include "train/step_loss.hpp"
#include "train/step_work.hpp"
#include "train/training_memory.hpp"

namespace siren::inline observe {

namespace {

/// The trial itself: who would own what, and which edges would lie where.
class Trial {
 public:
  Trial(const LoadedData& whole, const DataConfig& data, const TrainConfig& config, int ranks)
      : train_(whole.train),
        config_(config),
        ranks_(ranks),
        travel_(resolve(data.travel, train_.users, train_.items)),
        edge_weight_(model_spec(config).edge_weight) {
    const UserRatings& ratings = train_.ratings;
    RatingEdges edges{
        std::vector<std::int32_t>(as_index(train_.users), 0), item_edges(train_, edge_weight_), {}};
    const bool lists_items = looks_at_edges(data.partition);
    for (std::int64_t user = 0; user < train_.users; ++user)
      for (EdgeOffset e = ratings.offsets[as_index(user)]; e < ratings.offsets[as_index(user) + 1];
           ++e) {
        if (!is_edge(ratings.signs[as_index(e)], edge_weight_)) continue;
        ++edges.of_user[as_index(user)];
        if (lists_items) edges.items.push_back(ratings.items[as_index(e)]);
      }
    partition_ = partition_by_work(data.partition, edges,
                                   weighs_items_as_travelling(travel_, train_.users, train_.items),
                                   ranks, config.seed);
  }

  std::vector<RankPlan> plan();

 private:
  /// Owned by a rank.
  struct Rows {
    std::int64_t users;
    std::int64_t items;
    std::int64_t all() const { return users + items; }
  };
  std::vector<RatingCounts> ratings_by_rank() const;
  HaloMemory most_halo_memory(std::int64_t rows_sent) const;
  void count_step(const Rows& rows, std::int64_t batch, RankPlan& plan) const;
  void count_softmax_step(const Rows& rows, RankPlan& plan) const;
  void count_polarity(const Rows& rows, double share, std::int64_t steps, RankPlan& plan) const;

  const TrainingSet& train_;
  const TrainConfig& config_;
  int ranks_;
  Travel travel_;
  double edge_weight_;  // kappa
  Partition partition_;
};

std::vector<RankPlan> Trial::plan() {
  const std::vector<CountedPart> parts =
      count_graph(partition_, ranks_, train_.ratings, {travel_, edge_weight_});
  const std::vector<RatingCounts> counts = ratings_by_rank();
  const std::int64_t steps = steps_in_epoch(Communicator::alone(), train_, config_);
  std::vector<RankPlan> plans(as_index(ranks_));
  for (std::size_t rank = 0; rank < plans.size(); ++rank) {
    RankPlan& plan = plans[rank];
    const CountedPart& part = parts[rank];
    const RatingCounts& of = counts[rank];
    plan.memory =
        training_memory(config_, {part.size, of, steps, train_.users, train_.items,
                                  most_halo_memory(part.rows_expanded),
                                  trains_polarity(config_, train_) ? train_.trainable_count() : 0});
    plan.rows_sent = part.rows_expanded + part.size.halo_rows;
    plan.edges = part.edges;
    plan.ratings = of.trainable;
    const double share =
        static_cast<double>(plan.ratings) / static_cast<double>(train_.trainable_count());
    const Rows rows{of.users, part.size.rows - of.users};
    if (config_.loss == LossKind::kSoftmax) {
      count_softmax_step(rows, plan);
    } else {
      const std::int64_t batch = std::min(config_.batch, train_.trainable_count());
      count_step(rows, std::llround(share * static_cast<double>(batch)), plan);
    }
    if (trains_polarity(config_, train_)) count_polarity(rows, share, steps, plan);
  }
  return plans;
}

std::vector<RatingCounts> Trial::ratings_by_rank() const {
  std::vector<RatingCounts> counts(as_index(ranks_));
  for (std::int64_t user = 0; user < train_.users; ++user)
    counts[as_index(partition_.user_owner[as_index(user)])].add(train_, user);
  return counts;
}

/// As if some ranks were on the rank's node and some elsewhere, where they may share memory: no
/// rank then takes more than is planned.
HaloMemory Trial::most_halo_memory(std::int64_t rows_sent) const {
  return {config_.shared_memory == OnOff::kOn && ranks_ > 1, rows_sent};
}

/// At most: every draw of the batch is another item, and every layer visits all edges.
void Trial::count_step(const Rows& rows, std::int64_t batch, RankPlan& plan) const {
  const auto [real, stored] = number_bytes(config_.storage);
  const std::int64_t width = padded(config_.dimension);
  const std::int64_t layers = model_spec(config_).layers;
  const bool disliked = model_spec(config_).disliked_branch;
  const std::int64_t all_draws = config_.batch * (config_.negatives + 1);
  const std::int64_t own_items = std::min(all_draws, rows.items);
  const std::int64_t slots = std::min(batch * (config_.negatives + 1), train_.items);
  const std::int64_t needed = std::min(batch, rows.all() - own_items) + own_items;
  const std::int64_t kept =
      disliked ? config_.mlp_layers + 1 + 2 + 1 : 0;  // activations, fusion, dY0

  plan.batch_bytes = width * (needed * ((kept + 3) * real + stored) + slots * (real + 2 * stored));
  // sent back, and about as many sent out
  const std::int64_t foreign = std::min(slots, train_.items - rows.items);
  plan.bytes_sent = width * stored * (2 * layers * plan.rows_sent + 2 * foreign);
  plan.work =
      step_work(config_, {rows.all(), needed, batch * (config_.negatives + 1), real, stored});
  plan.work.edge_visits = 2 * layers * 2 * plan.edges;
}

/// At most: every user has a term, every item is of the catalogue.
void Trial::count_softmax_step(const Rows& rows, RankPlan& plan) const {
  const auto [real, stored] = number_bytes(config_.storage);
  const std::int64_t width = padded(config_.dimension);
  const std::int64_t slots = std::min(config_.batch_users, train_.users);
  const std::int64_t draws = config_.shared_negatives;
  const std::int64_t summed =
      draws == 0 ? rows.items
                 : std::min(rows.items, (draws * rows.items + train_.items - 1) / train_.items);
  const std::int64_t mine = std::min(slots, (slots * rows.users + train_.users - 1) / train_.users);
  const std::int64_t needed = mine + rows.items;
  const std::int64_t kept = model_spec(config_).disliked_branch ? config_.mlp_layers + 4 : 0;
  const std::int64_t chunk =
      std::min(slots, config_.storage == Storage::kFp64 ? CatalogueLoss<Fp64>::chunk_users(summed)
                                                        : CatalogueLoss<Fp32>::chunk_users(summed));

  plan.batch_bytes = width * (needed * ((kept + 3) * real + stored) + summed * real +
                              slots * (2 * real + 2 * stored)) +
                     chunk * padded(summed) * real;
  // rows of own users to every other rank, and parts of the gradients of the others' back
  plan.bytes_sent =
      width * stored *
      (2 * model_spec(config_).layers * plan.rows_sent + mine * (ranks_ - 1) + (slots - mine));
  plan.work = step_work(config_, {rows.all(), needed, slots * summed, real, stored});
  plan.work.edge_visits = 2 * std::int64_t{model_spec(config_).layers} * 2 * plan.edges;
}

/// At most: every rating of a batch is of another user and another item. `share` is the rank's part of
/// the ratings.
void Trial::count_polarity(const Rows& rows, double share, std::int64_t steps,
                           RankPlan& plan) const {
  const auto [real, stored] = number_bytes(config_.storage);
  const std::int64_t all = std::min(config_.polarity_batch, train_.trainable_count());
  const std::int64_t batch = std::llround(share * static_cast<double>(all));
  const std::int64_t batches = polarity_batches(config_, train_.trainable_count(), steps);
  const std::int64_t slots = std::min(batch, train_.items);
  const std::int64_t needed = std::min(batch, rows.users) + std::min(all, rows.items);
  const std::int64_t width = padded(config_.polarity_dimension + 2);
  plan.batch_bytes += width * (needed * (3 * real + stored) + slots * (real + 2 * stored));
  if (config_.polarity_layers > 0)  // activations, and gradients on both sides of the layers
    plan.batch_bytes +=
        padded(config_.polarity_dimension) * needed * (config_.polarity_layers + 1 + 2) * real;
  // sent back, and about as many sent out
  const std::int64_t foreign = std::min(slots, train_.items - rows.items);
  plan.bytes_sent += batches * width * stored * 2 * foreign;
  add_polarity_work(config_, {batches * batch, batches * rows.all(), batches * needed, real},
                    plan.work);
}

}  // namespace

std::int64_t RankPlan::bytes() const {
  return std::accumulate(memory.begin(), memory.end(), batch_bytes,
                         [](std::int64_t sum, const MemoryUse& use) { return sum + use.bytes; });
}

std::vector<RankPlan> plan_ranks(const LoadedData& whole, const DataConfig& data,
                                 const TrainConfig& config, int ranks) {
  return Trial(whole, data, config, ranks).plan();
}

}  // namespace siren::inline observe
