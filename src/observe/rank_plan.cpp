// SPDX-License-Identifier: Apache-2.0
#include "observe/rank_plan.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>
#include <string>
#include <utility>

#include "core/index_set.hpp"
#include "data/batch_schedule.hpp"
#include "data/rated_filter.hpp"
#include "distributed/adjacency.hpp"
#include "distributed/batch_planner.hpp"
#include "distributed/needed_edges.hpp"
#include "distributed/node_rows.hpp"
#include "distributed/partition.hpp"
#include "math/block_sum.hpp"
#include "math/matrix.hpp"
#include "model/dense_tensors.hpp"
#include "siren/ids.hpp"
#include "train/model_state.hpp"
#include "train/step_work.hpp"

namespace siren::inline observe {

namespace {

struct NumberBytes {
  std::int64_t real;
  std::int64_t stored;
};

NumberBytes number_bytes(Storage storage) {
  if (storage == Storage::kFp64) return {sizeof(double), sizeof(double)};
  return {sizeof(float), storage == Storage::kBf16 ? std::int64_t{2} : std::int64_t{sizeof(float)}};
}

/// The ratings of a rank's users, as the loader would send them there.
TrainingSet share_of(const TrainingSet& whole, const Layout& layout) {
  TrainingSet set;
  set.users = whole.users;
  set.items = whole.items;
  set.trainable = whole.trainable;
  set.liked = whole.liked;
  set.disliked = whole.disliked;
  for (const UserId user : layout.owned_users()) {
    const auto begin = whole.ratings.offsets[as_index(user)];
    const auto end = whole.ratings.offsets[as_index(user) + 1];
    set.ratings.items.insert(set.ratings.items.end(), whole.ratings.items.begin() + begin,
                             whole.ratings.items.begin() + end);
    set.ratings.signs.insert(set.ratings.signs.end(), whole.ratings.signs.begin() + begin,
                             whole.ratings.signs.begin() + end);
    set.ratings.offsets.push_back(static_cast<EdgeOffset>(set.ratings.items.size()));
    set.first_rating_id.push_back(whole.first_rating_id[as_index(user)]);
  }
  return set;
}

/// The trial itself: who would own what, and which edges would lie where.
class Trial {
 public:
  Trial(const LoadedData& whole, const DataConfig& data, const TrainConfig& config, int ranks)
      : train_(whole.train),
        config_(config),
        ranks_(ranks),
        travel_(resolve(data.travel, train_.users, train_.items)) {
    const UserRatings& ratings = train_.ratings;
    Likes likes{std::vector<std::int32_t>(as_index(train_.users), 0), train_.item_likes, {}};
    const bool lists_items = looks_at_edges(data.partition);
    for (std::int64_t user = 0; user < train_.users; ++user)
      for (EdgeOffset e = ratings.offsets[as_index(user)]; e < ratings.offsets[as_index(user) + 1];
           ++e) {
        if (ratings.signs[as_index(e)] <= 0) continue;
        ++likes.of_user[as_index(user)];
        if (lists_items) likes.items.push_back(ratings.items[as_index(e)]);
      }
    partition_ =
        partition_by_work(data.partition, likes, travel_ == Travel::kItems, ranks, config.seed);
    place_edges();
  }

  std::vector<RankPlan> plan();

 private:
  void place_edges();
  Layout layout_of(int rank) const { return {partition_, rank, ranks_, config_.dimension}; }
  void count_memory(const Adjacency& graph, const TrainingSet& set, RankPlan& plan) const;
  void count_step(const Adjacency& graph, std::int64_t batch_users, RankPlan& plan) const;

  const TrainingSet& train_;
  const TrainConfig& config_;
  int ranks_;
  Travel travel_;
  Partition partition_;
  std::vector<std::vector<AnchoredEdge>> edges_;  // [ranks]
};

void Trial::place_edges() {
  const Layout any = layout_of(0);
  edges_.resize(as_index(ranks_));
  std::vector<LocalRow> next(as_index(ranks_), 0);
  const UserRatings& ratings = train_.ratings;
  for (std::int64_t user = 0; user < train_.users; ++user) {
    const std::int32_t owner = partition_.user_owner[as_index(user)];
    const RowAddress at_user{owner, next[as_index(owner)]++};
    for (EdgeOffset e = ratings.offsets[as_index(user)]; e < ratings.offsets[as_index(user) + 1];
         ++e) {
      if (ratings.signs[as_index(e)] <= 0) continue;
      const RowAddress at_item = any.address_of_item(ratings.items[as_index(e)]);
      const bool items_travel = travel_ == Travel::kItems;
      const RowAddress& anchor = items_travel ? at_user : at_item;
      edges_[as_index(anchor.rank)].push_back({anchor.row, items_travel ? at_item : at_user});
    }
  }
}

std::vector<RankPlan> Trial::plan() {
  std::vector<RankPlan> plans(as_index(ranks_));
  std::vector<Adjacency> graphs(as_index(ranks_));
  for (int rank = 0; rank < ranks_;
       ++rank)  // without degrees, which take no part in what is counted
    graphs[as_index(rank)] = make_adjacency(layout_of(rank), travel_, edges_[as_index(rank)], {});
  for (int rank = 0; rank < ranks_; ++rank) {
    RankPlan& plan = plans[as_index(rank)];
    const TrainingSet set = share_of(train_, layout_of(rank));
    for (const Adjacency& graph : graphs) plan.rows_sent += graph.halo_counts[as_index(rank)];
    count_memory(graphs[as_index(rank)], set, plan);
    plan.rows_sent += graphs[as_index(rank)].halo_rows;
    plan.edges = graphs[as_index(rank)].by_anchor.nonzeros();
    plan.ratings =
        std::count_if(set.ratings.signs.begin(), set.ratings.signs.end(),
                      [&](std::int8_t sign) { return is_trainable(set.trainable, sign); });
    const double share =
        static_cast<double>(plan.ratings) / static_cast<double>(train_.trainable_count());
    const std::int64_t batch = std::min(config_.batch, train_.trainable_count());
    count_step(graphs[as_index(rank)], std::llround(share * static_cast<double>(batch)), plan);
  }
  return plans;
}

/// The same sums as Trainer::memory(), with some ranks on a node and some elsewhere where memory may
/// be shared, which is the most; tests compare them. Until here plan.rows_sent are the rows
/// that others use.
void Trial::count_memory(const Adjacency& graph, const TrainingSet& set, RankPlan& plan) const {
  const NumberBytes bytes = number_bytes(config_.storage);
  const std::int64_t width = padded(config_.dimension);
  const std::int64_t table = graph.rows * width * bytes.real;
  const std::int64_t tables = model_spec(config_).tables();
  const std::int64_t averages = config_.average > 0.0 ? tables : 0;
  const std::int64_t received = plan.rows_sent > 0 ? graph.travelling.size() : 0;
  const bool may_share = config_.shared_memory == OnOff::kOn && ranks_ > 1;
  const std::int64_t places = may_share ? NodeRows::kPlaces : 1;  // of halo rows, besides tables
  const std::int64_t layer_bytes =
      (2 * (graph.rows + graph.halo_rows) + places * graph.halo_rows) * width * bytes.stored +
      received * width * bytes.real + NeededEdges(graph).bytes();
  BatchSchedule schedule(set, config_.seed, config_.batch);
  schedule.ratings_of(1);
  const std::int64_t rating_bytes =
      std::ssize(set.ratings.items) * std::int64_t{sizeof(ItemId) + 1} +
      std::ssize(set.ratings.offsets) * 8 + schedule.bytes() +
      RatedFilter(set.ratings, set.items).bytes() + IndexSet(graph.rows).bytes() +
      2 * BatchPlanner::kPlaceBytes * graph.rows;
  const DenseLayout dense(shape_of(config_, train_.users + train_.items));
  const std::int64_t partials =
      bytes.real * (BlockSum<float>(dense.size()).bytes() / std::int64_t{sizeof(float)});
  const std::int64_t item_bytes = (8 + 12) * set.items + 2 * IndexSet(set.items).bytes();
  plan.memory = {{"embeddings and moments", (3 * tables + averages) * table},
                 {"gradients", 2 * table},
                 {"layer tables and halo", layer_bytes},
                 {"edges", graph.edge_bytes()},
                 {"ratings and schedule", rating_bytes},
                 {"batch rows", partials},
                 {"all items (every rank)", item_bytes}};
}

/// At most: every draw of the batch is another item, and every layer visits all edges.
void Trial::count_step(const Adjacency& graph, std::int64_t batch, RankPlan& plan) const {
  const NumberBytes bytes = number_bytes(config_.storage);
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

  plan.batch_bytes = width * (needed * ((kept + 3) * bytes.real + bytes.stored) +
                              slots * (bytes.real + 2 * bytes.stored));
  // sent back, and about as many sent out
  const std::int64_t foreign = std::min(slots, train_.items - items.size());
  plan.bytes_sent = width * bytes.stored * (2 * layers * plan.rows_sent + 2 * foreign);
  plan.work = step_work(config_, {graph.rows, needed, batch, bytes.real, bytes.stored});
  plan.work.edge_visits = 2 * layers * 2 * plan.edges;
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
