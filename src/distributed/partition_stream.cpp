// SPDX-License-Identifier: Apache-2.0
// The partitioner for graphs that METIS cannot take: linear deterministic greedy (Stanton and Kliot,
// 2012), over a bipartite graph. Rows of the anchored side pass one by one, in order of their ids.
// Each goes to the rank where most of its neighbours' other edges already are, less the more of its
// share the rank has; then every travelling row goes to a rank that has many of its edges.
#include <algorithm>
#include <numeric>
#include <utility>

#include <spdlog/spdlog.h>

#include "core/text.hpp"
#include "core/timer.hpp"
#include "distributed/partition.hpp"
#include "siren/check.hpp"
#include "siren/ids.hpp"

namespace siren::inline distributed {

namespace {

/// How much more than its share a rank may have, of the weight of either side.
constexpr double kAnchoredImbalance = 1.02;
constexpr double kTravellingImbalance = 1.05;

/// Weight that ranks have been given of one side, within a bound.
class Loads {
 public:
  Loads(std::span<const std::int32_t> weights, int ranks, double imbalance)
      : capacity_(
            imbalance *
            static_cast<double>(std::accumulate(weights.begin(), weights.end(), std::int64_t{0})) /
            ranks),
        loads_(as_index(ranks), 0.0) {}

  /// The rank with the largest affinity x free share among those where the row fits, else the one
  /// with the least load. Of equal ones the least loaded, then the first.
  std::int32_t place(std::span<const double> affinity, std::int32_t weight) {
    std::size_t best = 0;
    double best_score = -1.0;
    for (std::size_t rank = 0; rank < loads_.size(); ++rank) {
      const bool fits = loads_[rank] + weight <= capacity_;
      const double score = fits ? affinity[rank] * (1.0 - loads_[rank] / capacity_) : -1.0;
      if (score > best_score || (score == best_score && loads_[rank] < loads_[best])) {
        best = rank;
        best_score = score;
      }
    }
    loads_[best] += weight;
    return static_cast<std::int32_t>(best);
  }

 private:
  double capacity_;
  std::vector<double> loads_;  // [ranks] sums of integers, so exact
};

/// The edges by rows of the anchored side.
struct AnchoredLists {
  std::vector<std::int64_t> offsets{0};
  std::span<const std::int32_t> travellers;
  std::vector<std::int32_t> transposed;  // holds them if items are anchored
};

AnchoredLists anchored_lists(const PartitionInput& input) {
  const RatingEdges& edges = *input.edges;
  AnchoredLists lists;
  const auto& degrees = input.items_travel ? edges.of_user : edges.of_item;
  for (const std::int32_t degree : degrees) lists.offsets.push_back(lists.offsets.back() + degree);
  SIREN_ASSERT(lists.offsets.back() == std::ssize(edges.items), "{} edges counted, {} listed",
               lists.offsets.back(), edges.items.size());
  lists.travellers = edges.items;
  if (input.items_travel) return lists;
  lists.transposed.resize(edges.items.size());
  std::vector<std::int64_t> next(lists.offsets.begin(), lists.offsets.end() - 1);
  auto item = edges.items.begin();
  for (std::size_t user = 0; user < edges.of_user.size(); ++user)
    for (std::int32_t e = 0; e < edges.of_user[user]; ++e)
      lists.transposed[as_index(next[as_index(*item++)]++)] = static_cast<std::int32_t>(user);
  lists.travellers = lists.transposed;
  return lists;
}

/// The greedy pass.
class Stream {
 public:
  explicit Stream(const PartitionInput& input)
      : ranks_(as_index(input.ranks)),
        lists_(anchored_lists(input)),
        anchored_weight_(input.items_travel ? input.user_weight : input.item_weight),
        travelling_weight_(input.items_travel ? input.item_weight : input.user_weight),
        degree_(input.items_travel ? input.edges->of_item : input.edges->of_user),
        edges_at_(travelling_weight_.size() * ranks_, 0),
        affinity_(ranks_, 0.0) {}

  std::vector<std::int32_t> place_anchored() {
    Loads loads(anchored_weight_, static_cast<int>(ranks_), kAnchoredImbalance);
    std::vector<std::int32_t> owner;
    owner.reserve(anchored_weight_.size());
    for (std::size_t row = 0; row < anchored_weight_.size(); ++row) {
      const auto travellers = lists_.travellers.subspan(
          as_index(lists_.offsets[row]), as_index(lists_.offsets[row + 1] - lists_.offsets[row]));
      std::fill(affinity_.begin(), affinity_.end(), 0.0);
      for (const std::int32_t traveller : travellers) add_affinity(as_index(traveller));
      owner.push_back(loads.place(affinity_, anchored_weight_[row]));
      for (const std::int32_t traveller : travellers)
        ++edges_at_[as_index(traveller) * ranks_ + as_index(owner.back())];
    }
    return owner;
  }

  /// After place_anchored().
  std::vector<std::int32_t> place_travelling() {
    Loads loads(travelling_weight_, static_cast<int>(ranks_), kTravellingImbalance);
    std::vector<std::int32_t> owner;
    owner.reserve(travelling_weight_.size());
    for (std::size_t row = 0; row < travelling_weight_.size(); ++row) {
      const auto edges = edges_at_.begin() + static_cast<std::ptrdiff_t>(row * ranks_);
      std::copy_n(edges, ranks_, affinity_.begin());
      owner.push_back(loads.place(affinity_, travelling_weight_[row]));
    }
    return owner;
  }

 private:
  /// The shares of the traveller's edges that ranks have: a popular row, which is everywhere, says
  /// little.
  void add_affinity(std::size_t traveller) {
    const double share = 1.0 / degree_[traveller];
    for (std::size_t rank = 0; rank < ranks_; ++rank)
      affinity_[rank] += share * edges_at_[traveller * ranks_ + rank];
  }

  std::size_t ranks_;
  AnchoredLists lists_;
  std::span<const std::int32_t> anchored_weight_;
  std::span<const std::int32_t> travelling_weight_;
  std::span<const std::int32_t> degree_;  // of travelling rows
  std::vector<std::int32_t> edges_at_;    // [travelling x ranks] edges placed so far
  std::vector<double> affinity_;          // [ranks]
};

}  // namespace

Partition partition_stream(const PartitionInput& input) {
  if (input.ranks == 1) return partition_block(input);  // whose edges nobody has listed
  SIREN_ASSERT(input.edges != nullptr, "no edges of {} users", input.user_weight.size());
  const Stopwatch watch;
  Stream stream(input);
  Partition partition{stream.place_anchored(), {}};
  partition.item_owner = stream.place_travelling();
  if (!input.items_travel) std::swap(partition.user_owner, partition.item_owner);
  spdlog::info("one pass shared out {} ratings among {} ranks in {}",
               grouped(std::ssize(input.edges->items)), input.ranks,
               human_seconds(watch.seconds()));
  return partition;
}

}  // namespace siren::inline distributed
