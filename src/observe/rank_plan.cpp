// SPDX-License-Identifier: Apache-2.0
#include "observe/rank_plan.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>
#include <string>
#include <utility>

#include "data/batch_schedule.hpp"
#include "distributed/adjacency.hpp"
#include "distributed/batch_planner.hpp"
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
    partition_ =
        partition_by_work(data.partition, edges, travel_ == Travel::kItems, ranks, config.seed);
    place_edges();
  }

  std::vector<RankPlan> plan();

 private:
  void place_edges();
  Layout layout_of(int rank) const { return {partition_, rank, ranks_, config_.dimension}; }
  RatingCounts ratings_of(int rank) const;
  HaloMemory most_halo_memory(std::int64_t rows_sent) const;
  void count_step(const Adjacency& graph, std::int64_t batch, RankPlan& plan) const;
  void count_softmax_step(const Adjacency& graph, std::int64_t own_users, RankPlan& plan) const;
  void count_polarity(const Adjacency& graph, std::int64_t own_users, double share,
                      std::int64_t steps, RankPlan& plan) const;

  const TrainingSet& train_;
  const TrainConfig& config_;
  int ranks_;
  Travel travel_;
  double edge_weight_;  // kappa
  Partition partition_;
  std::vector<GraphEdges> edges_;  // [ranks]
};

void Trial::place_edges() {
  const Layout any = layout_of(0);
  edges_.resize(as_index(ranks_));
  for (GraphEdges& edges : edges_) edges.light_weight = edge_weight_;
  std::vector<LocalRow> next(as_index(ranks_), 0);
  const UserRatings& ratings = train_.ratings;
  for (std::int64_t user = 0; user < train_.users; ++user) {
    const std::int32_t owner = partition_.user_owner[as_index(user)];
    const RowAddress at_user{owner, next[as_index(owner)]++};
    for (EdgeOffset e = ratings.offsets[as_index(user)]; e < ratings.offsets[as_index(user) + 1];
         ++e) {
      const std::int8_t sign = ratings.signs[as_index(e)];
      if (!is_edge(sign, edge_weight_)) continue;
      const RowAddress at_item = any.address_of_item(ratings.items[as_index(e)]);
      const bool items_travel = travel_ == Travel::kItems;
      const RowAddress& anchor = items_travel ? at_user : at_item;
      run_of(sign, edges_[as_index(anchor.rank)])
          .push_back({anchor.row, items_travel ? at_item : at_user});
    }
  }
}

std::vector<RankPlan> Trial::plan() {
  std::vector<RankPlan> plans(as_index(ranks_));
  std::vector<Adjacency> graphs(as_index(ranks_));
  const std::int64_t steps = steps_in_epoch(Communicator::alone(), train_, config_);
  for (int rank = 0; rank < ranks_;
       ++rank)  // without degrees, which take no part in what is counted
    graphs[as_index(rank)] = make_adjacency(layout_of(rank), travel_, edges_[as_index(rank)], {});
  for (int rank = 0; rank < ranks_; ++rank) {
    RankPlan& plan = plans[as_index(rank)];
    const Adjacency& graph = graphs[as_index(rank)];
    std::int64_t used_elsewhere = 0;
    for (const Adjacency& of : graphs) used_elsewhere += of.halo_counts[as_index(rank)];
    const RatingCounts counts = ratings_of(rank);
    plan.memory =
        training_memory(config_, {graph, counts, steps, train_.users, train_.items,
                                  most_halo_memory(used_elsewhere),
                                  trains_polarity(config_, train_) ? train_.trainable_count() : 0});
    plan.rows_sent = used_elsewhere + graph.halo_rows;
    plan.edges = graph.by_anchor.nonzeros();
    plan.ratings = counts.trainable;
    const double share =
        static_cast<double>(plan.ratings) / static_cast<double>(train_.trainable_count());
    if (config_.loss == LossKind::kSoftmax) {
      count_softmax_step(graph, counts.users, plan);
    } else {
      const std::int64_t batch = std::min(config_.batch, train_.trainable_count());
      count_step(graph, std::llround(share * static_cast<double>(batch)), plan);
    }
    if (trains_polarity(config_, train_)) count_polarity(graph, counts.users, share, steps, plan);
  }
  return plans;
}

RatingCounts Trial::ratings_of(int rank) const {
  RatingCounts counts;
  const Layout layout = layout_of(rank);
  for (const UserId user : layout.owned_users()) counts.add(train_, user);
  return counts;
}

/// As if some ranks were on the rank's node and some elsewhere, where they may share memory: no
/// rank then takes more than is planned.
HaloMemory Trial::most_halo_memory(std::int64_t rows_sent) const {
  return {config_.shared_memory == OnOff::kOn && ranks_ > 1, rows_sent};
}

/// At most: every draw of the batch is another item, and every layer visits all edges.
void Trial::count_step(const Adjacency& graph, std::int64_t batch, RankPlan& plan) const {
  const auto [real, stored] = number_bytes(config_.storage);
  const std::int64_t width = padded(config_.dimension);
  const std::int64_t layers = model_spec(config_).layers;
  const bool disliked = model_spec(config_).disliked_branch;
  const std::int64_t all_draws = config_.batch * (config_.negatives + 1);
  const RowRange& items = travel_ == Travel::kItems ? graph.travelling : graph.anchored;
  const std::int64_t own_items = std::min(all_draws, items.size());
  const std::int64_t slots = std::min(batch * (config_.negatives + 1), train_.items);
  const std::int64_t needed = std::min(batch, graph.rows - own_items) + own_items;
  const std::int64_t kept =
      disliked ? config_.mlp_layers + 1 + 2 + 1 : 0;  // activations, fusion, dY0

  plan.batch_bytes = width * (needed * ((kept + 3) * real + stored) + slots * (real + 2 * stored));
  // sent back, and about as many sent out
  const std::int64_t foreign = std::min(slots, train_.items - items.size());
  plan.bytes_sent = width * stored * (2 * layers * plan.rows_sent + 2 * foreign);
  plan.work =
      step_work(config_, {graph.rows, needed, batch * (config_.negatives + 1), real, stored});
  plan.work.edge_visits = 2 * layers * 2 * plan.edges;
}

/// At most: every user has a term, every item is of the catalogue.
void Trial::count_softmax_step(const Adjacency& graph, std::int64_t own_users,
                               RankPlan& plan) const {
  const auto [real, stored] = number_bytes(config_.storage);
  const std::int64_t width = padded(config_.dimension);
  const std::int64_t slots = std::min(config_.batch_users, train_.users);
  const std::int64_t items = graph.rows - own_users;
  const std::int64_t draws = config_.shared_negatives;
  const std::int64_t summed =
      draws == 0 ? items : std::min(items, (draws * items + train_.items - 1) / train_.items);
  const std::int64_t mine = std::min(slots, (slots * own_users + train_.users - 1) / train_.users);
  const std::int64_t needed = mine + items;
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
  plan.work = step_work(config_, {graph.rows, needed, slots * summed, real, stored});
  plan.work.edge_visits = 2 * std::int64_t{model_spec(config_).layers} * 2 * plan.edges;
}

/// At most: every rating of a batch is of another user and another item. `share` is the rank's part of
/// the ratings.
void Trial::count_polarity(const Adjacency& graph, std::int64_t own_users, double share,
                           std::int64_t steps, RankPlan& plan) const {
  const auto [real, stored] = number_bytes(config_.storage);
  const std::int64_t all = std::min(config_.polarity_batch, train_.trainable_count());
  const std::int64_t batch = std::llround(share * static_cast<double>(all));
  const std::int64_t batches = polarity_batches(config_, train_.trainable_count(), steps);
  const std::int64_t own_items = graph.rows - own_users;
  const std::int64_t slots = std::min(batch, train_.items);
  const std::int64_t needed = std::min(batch, own_users) + std::min(all, own_items);
  const std::int64_t width = padded(config_.polarity_dimension + 2);
  plan.batch_bytes += width * (needed * (3 * real + stored) + slots * (real + 2 * stored));
  if (config_.polarity_layers > 0)  // activations, and gradients on both sides of the layers
    plan.batch_bytes +=
        padded(config_.polarity_dimension) * needed * (config_.polarity_layers + 1 + 2) * real;
  // sent back, and about as many sent out
  const std::int64_t foreign = std::min(slots, train_.items - own_items);
  plan.bytes_sent += batches * width * stored * 2 * foreign;
  add_polarity_work(config_, {batches * batch, batches * graph.rows, batches * needed, real},
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
