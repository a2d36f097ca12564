// SPDX-License-Identifier: Apache-2.0
#include "distributed/graph_count.hpp"

#include <algorithm>
#include <numeric>
#include <span>
#include <utility>

#include "distributed/vertex_cover.hpp"
#include "siren/check.hpp"
#include "siren/ids.hpp"

namespace siren::inline distributed {

namespace {

/// Edges of a rank of one kind.
struct EdgeCount {
  std::int64_t edges = 0;
  bool light = false;  // some of them
};

struct RankCount {
  EdgeCount own;    // both ends owned
  EdgeCount halo;   // the travelling end is a halo row
  EdgeCount moved;  // the anchored one is, by a cover
  std::int64_t halo_rows = 0;
  std::int64_t expanded = 0;
};

/// Calls edge(item, is light) for each edge of the user.
template <class Edge>
void for_edges(const UserRatings& ratings, std::int64_t user, double edge_weight,
               const Edge& edge) {
  for (EdgeOffset e = ratings.offsets[as_index(user)]; e < ratings.offsets[as_index(user) + 1];
       ++e) {
    const std::int8_t sign = ratings.signs[as_index(e)];
    if (is_edge(sign, edge_weight)) edge(ratings.items[as_index(e)], is_light(sign, edge_weight));
  }
}

class Counter {
 public:
  Counter(const Partition& partition, int ranks, const UserRatings& ratings, double edge_weight,
          RowTraffic* expanded)
      : partition_(partition),
        ranks_(ranks),
        ratings_(ratings),
        edge_weight_(edge_weight),
        expanded_(expanded),
        counts_(as_index(ranks)) {}

  /// Users are anchored: they are visited rank by rank, and `last` notes for each item the rank that
  /// met it last.
  std::vector<RankCount> items_travel() {
    std::vector<std::int32_t> last(partition_.item_owner.size(), -1);
    for (const UserId user : users_by_rank()) {
      const std::int32_t rank = partition_.user_owner[as_index(user)];
      for_edges(ratings_, user, edge_weight_, [&](ItemId item, bool light) {
        add(rank, partition_.item_owner[as_index(item)], light, last[as_index(item)], rank);
      });
    }
    return std::move(counts_);
  }

  /// Items are anchored: `last` notes for each rank the user that it met last.
  std::vector<RankCount> users_travel() {
    std::vector<UserId> last(as_index(ranks_), -1);
    for (UserId user = 0; user < static_cast<UserId>(ratings_.users()); ++user) {
      const std::int32_t owner = partition_.user_owner[as_index(user)];
      for_edges(ratings_, user, edge_weight_, [&](ItemId item, bool light) {
        const std::int32_t rank = partition_.item_owner[as_index(item)];
        add(rank, owner, light, last[as_index(rank)], user);
      });
    }
    return std::move(counts_);
  }

  /// Rank by rank, as make_graph() does it.
  std::vector<RankCount> both_travel() {
    for_each_cover([&](int rank, const GraphEdges& edges, const CutCover& cover) {
      add_run(rank, edges.full, cover.full_at_traveller, false);
      add_run(rank, edges.light, cover.light_at_traveller, true);
      for (std::size_t peer = 0; peer < counts_.size(); ++peer) {
        counts_[as_index(rank)].halo_rows += cover.travellers[peer];
        counts_[as_index(rank)].expanded += cover.anchors[peer];
        counts_[peer].halo_rows += cover.anchors[peer];
        counts_[peer].expanded += cover.travellers[peer];
        if (expanded_ == nullptr) continue;
        const auto other = static_cast<int>(peer);
        expanded_->add(other, rank, cover.travellers[peer]);
        expanded_->add(rank, other, cover.anchors[peer]);
      }
    });
    return std::move(counts_);
  }

  /// body(rank, edges of its users, cover of those that are cut); rows are global ids.
  template <class Body>
  void for_each_cover(const Body& body) const {
    const std::vector<UserId> users = users_by_rank();
    auto next = users.begin();
    for (int rank = 0; rank < ranks_; ++rank) {
      GraphEdges edges;
      for (; next != users.end() && partition_.user_owner[as_index(*next)] == rank; ++next)
        for_edges(ratings_, *next, edge_weight_, [&](ItemId item, bool light) {
          (light ? edges.light : edges.full)
              .push_back({*next, {partition_.item_owner[as_index(item)], item}});
        });
      body(rank, edges, cover_cut_edges(edges, rank, ranks_));
    }
  }

 private:
  void add_run(int rank, const std::vector<AnchoredEdge>& run,
               const std::vector<bool>& at_traveller, bool light) {
    for (std::size_t e = 0; e < run.size(); ++e) {
      const std::int32_t owner = run[e].traveller.rank;
      EdgeCount& count = at_traveller[e] ? counts_[as_index(owner)].moved
                         : owner == rank ? counts_[as_index(rank)].own
                                         : counts_[as_index(rank)].halo;
      ++count.edges;
      count.light = count.light || light;
    }
  }

  /// An edge anchored at `rank`, at a row of `owner`. The row is new to the rank if `last` is not
  /// `now`.
  void add(std::int32_t rank, std::int32_t owner, bool light, std::int32_t& last,
           std::int32_t now) {
    RankCount& count = counts_[as_index(rank)];
    EdgeCount& edges = owner == rank ? count.own : count.halo;
    ++edges.edges;
    edges.light = edges.light || light;
    if (owner == rank || last == now) return;
    last = now;
    ++count.halo_rows;
    ++counts_[as_index(owner)].expanded;
    if (expanded_ != nullptr) expanded_->add(owner, rank);
  }

  /// Counting sort.
  std::vector<UserId> users_by_rank() const {
    std::vector<std::int64_t> next(as_index(ranks_) + 1, 0);
    for (const std::int32_t owner : partition_.user_owner) ++next[as_index(owner) + 1];
    std::partial_sum(next.begin(), next.end(), next.begin());
    std::vector<UserId> users(partition_.user_owner.size());
    for (std::size_t user = 0; user < users.size(); ++user)
      users[as_index(next[as_index(partition_.user_owner[user])]++)] = static_cast<UserId>(user);
    return users;
  }

  const Partition& partition_;
  int ranks_;
  const UserRatings& ratings_;
  double edge_weight_;
  RowTraffic* expanded_;
  std::vector<RankCount> counts_;  // [ranks]
};

std::vector<std::int64_t> owned_by(std::span<const std::int32_t> owners, int ranks) {
  std::vector<std::int64_t> counts(as_index(ranks), 0);
  for (const std::int32_t owner : owners) ++counts[as_index(owner)];
  return counts;
}

EdgeCount operator+(const EdgeCount& a, const EdgeCount& b) {
  return {a.edges + b.edges, a.light || b.light};
}

std::int64_t csr_bytes(std::int64_t rows, const EdgeCount& count) {
  return Csr::bytes(rows, count.edges, count.light);
}

CountedPart part_of(const RankCount& count, std::int64_t anchored, std::int64_t travelling,
                    Travel travel) {
  CountedPart part;
  part.edges = count.own.edges + count.halo.edges + count.moved.edges;
  part.halo_edges = count.halo.edges + count.moved.edges;
  part.rows_expanded = count.expanded;
  part.size = {anchored + travelling, travel == Travel::kCover ? anchored + travelling : travelling,
               count.halo_rows, 0};
  part.size.bytes = csr_bytes(anchored, count.own + count.halo) +
                    csr_bytes(travelling, count.own + count.moved) +
                    csr_bytes(count.halo_rows, count.halo + count.moved) +
                    Adjacency::row_bytes(part.size.rows, part.size.halo_rows);
  return part;
}

/// Every step-th run of neighbouring rows.
class Sample {
 public:
  explicit Sample(std::int64_t step) : step_(step) {}
  bool has(std::int64_t row) const { return row / kRun % step_ == 0; }

 private:
  static constexpr std::int64_t kRun = 64;
  std::int64_t step_;
};

}  // namespace

std::vector<CountedPart> count_graph(const Partition& partition, int ranks,
                                     const UserRatings& ratings, const GraphShape& shape,
                                     RowTraffic* expanded) {
  SIREN_ASSERT(ratings.users() == std::ssize(partition.user_owner), "{} of {} users are here",
               ratings.users(), partition.user_owner.size());
  Counter counter(partition, ranks, ratings, shape.edge_weight, expanded);
  const std::vector<RankCount> counts = shape.travel == Travel::kCover   ? counter.both_travel()
                                        : shape.travel == Travel::kItems ? counter.items_travel()
                                                                         : counter.users_travel();
  std::vector<std::int64_t> anchored = owned_by(partition.user_owner, ranks);
  std::vector<std::int64_t> travelling = owned_by(partition.item_owner, ranks);
  if (shape.travel == Travel::kUsers) anchored.swap(travelling);
  std::vector<CountedPart> parts;
  parts.reserve(counts.size());
  for (std::size_t rank = 0; rank < counts.size(); ++rank)
    parts.push_back(part_of(counts[rank], anchored[rank], travelling[rank], shape.travel));
  return parts;
}

std::int64_t least_copied_rows(const Partition& partition, int ranks, const UserRatings& ratings,
                               double edge_weight) {
  std::int64_t rows = 0;
  Counter(partition, ranks, ratings, edge_weight, nullptr)
      .for_each_cover([&](int, const GraphEdges&, const CutCover& cover) { rows += cover.rows(); });
  return rows;
}

Adjacency sample_graph(const TrainingSet& set, const GraphShape& shape, std::int64_t most_edges) {
  const UserRatings& ratings = set.ratings;
  std::int64_t all = 0;
  for (const std::int32_t edges : item_edges(set, shape.edge_weight)) all += edges;
  const Sample sample(std::max<std::int64_t>((all + most_edges - 1) / most_edges, 1));
  // Both orders, in their own rows; user u is row u, item i row users + i.
  Csr by_user;
  Csr by_item;
  std::vector<std::int64_t> of_item(as_index(set.items) + 1, 0);
  for (UserId user = 0; user < static_cast<UserId>(set.users); ++user) {
    const bool taken = sample.has(user);
    for_edges(ratings, user, shape.edge_weight, [&](ItemId item, bool) {
      if (taken) by_user.columns.push_back(static_cast<LocalRow>(set.users + item));
      if (sample.has(item)) ++of_item[as_index(item) + 1];
    });
    if (taken) by_user.offsets.push_back(std::ssize(by_user.columns));
  }
  std::partial_sum(of_item.begin(), of_item.end(), of_item.begin());
  by_item.columns.resize(as_index(of_item.back()));
  by_item.offsets.clear();
  for (std::int64_t item = 0; item <= set.items; ++item)
    if (item == set.items || sample.has(item)) by_item.offsets.push_back(of_item[as_index(item)]);
  for (UserId user = 0; user < static_cast<UserId>(set.users); ++user)
    for_edges(ratings, user, shape.edge_weight, [&](ItemId item, bool) {
      if (sample.has(item)) by_item.columns[as_index(of_item[as_index(item)]++)] = user;
    });
  for (Csr* csr : {&by_user, &by_item}) csr->columns.resize(csr->columns.size() + kColumnSlack, 0);

  Adjacency graph;
  graph.rows = set.users + set.items;
  graph.anchored = {0, set.users};
  graph.travelling = {set.users, graph.rows};
  graph.by_anchor = std::move(by_user);
  graph.by_traveller = std::move(by_item);
  if (shape.travel == Travel::kUsers) {
    std::swap(graph.anchored, graph.travelling);
    std::swap(graph.by_anchor, graph.by_traveller);
  }
  return graph;
}

}  // namespace siren::inline distributed
