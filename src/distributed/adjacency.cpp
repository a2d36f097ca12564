// SPDX-License-Identifier: Apache-2.0
#include "distributed/adjacency.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <tuple>

#include "siren/check.hpp"
#include "siren/ids.hpp"

namespace siren::inline distributed {

namespace {

struct LocalEdge {
  std::int64_t row;
  LocalRow column;
};

struct LocalEdges {
  std::vector<LocalEdge> full;
  std::vector<LocalEdge> light;
};

/// Counting sort by row; columns ascending within a run.
Csr make_csr(std::int64_t rows, const LocalEdges& edges, double light_weight) {
  Csr csr;
  csr.light_weight = light_weight;
  csr.offsets.assign(as_index(rows) + 1, 0);
  for (const auto* run : {&edges.light, &edges.full})
    for (const LocalEdge& edge : *run) ++csr.offsets[as_index(edge.row) + 1];
  std::partial_sum(csr.offsets.begin(), csr.offsets.end(), csr.offsets.begin());
  csr.columns.assign(as_index(csr.nonzeros() + kColumnSlack), 0);
  std::vector<std::int64_t> next(csr.offsets.begin(), csr.offsets.end() - 1);
  const auto place = [&](const std::vector<LocalEdge>& run) {
    const std::vector<std::int64_t> begin = next;
    for (const LocalEdge& edge : run)
      csr.columns[as_index(next[as_index(edge.row)]++)] = edge.column;
    for (std::size_t r = 0; r < next.size(); ++r)
      std::sort(csr.columns.begin() + begin[r], csr.columns.begin() + next[r]);
  };
  place(edges.light);
  if (!edges.light.empty()) csr.split = next;
  place(edges.full);
  return csr;
}

/// Foreign rows of the edges: distinct, by owner, then row.
std::vector<RowAddress> foreign_rows(const Layout& layout, const GraphEdges& edges) {
  std::vector<RowAddress> foreign;
  for (const auto* run : {&edges.full, &edges.light})
    for (const AnchoredEdge& edge : *run)
      if (edge.traveller.rank != layout.rank()) foreign.push_back(edge.traveller);
  const auto key = [](const RowAddress& a) { return std::tuple(a.rank, a.row); };
  std::sort(foreign.begin(), foreign.end(),
            [&](const RowAddress& a, const RowAddress& b) { return key(a) < key(b); });
  foreign.erase(
      std::unique(foreign.begin(), foreign.end(),
                  [&](const RowAddress& a, const RowAddress& b) { return key(a) == key(b); }),
      foreign.end());
  return foreign;
}

}  // namespace

Travel resolve(TravelChoice choice, std::int64_t all_users, std::int64_t all_items) {
  if (choice == TravelChoice::kCover) return Travel::kCover;
  if (choice == TravelChoice::kAuto) return all_items > all_users ? Travel::kUsers : Travel::kItems;
  return choice == TravelChoice::kUsers ? Travel::kUsers : Travel::kItems;
}

bool weighs_items_as_travelling(Travel travel, std::int64_t all_users, std::int64_t all_items) {
  return (travel == Travel::kCover ? resolve(TravelChoice::kAuto, all_users, all_items) : travel) ==
         Travel::kItems;
}

Adjacency make_adjacency(const Layout& layout, Travel travel, const GraphEdges& edges,
                         std::vector<double> degree) {
  Adjacency graph;
  const RowRange users{0, layout.users()};
  const RowRange items{layout.users(), layout.rows()};
  graph.anchored = travel == Travel::kUsers ? items : users;
  graph.travelling = travel == Travel::kUsers ? users : items;
  graph.both_travel = travel == Travel::kCover;
  graph.rows = layout.rows();
  graph.degree = std::move(degree);

  const std::vector<RowAddress> foreign = foreign_rows(layout, edges);
  graph.halo_rows = static_cast<std::int64_t>(foreign.size());
  SIREN_ASSERT(graph.rows + graph.halo_rows <= std::numeric_limits<LocalRow>::max(),
               "{} owned and {} halo rows", graph.rows, graph.halo_rows);
  graph.halo_counts.assign(as_index(layout.ranks()), 0);
  for (const RowAddress& address : foreign) {
    graph.halo_row_at_owner.push_back(address.row);
    ++graph.halo_counts[as_index(address.rank)];
  }

  const auto local_row = [&](const RowAddress& address) {
    if (address.rank == layout.rank()) return address.row;
    const auto found = std::lower_bound(
        foreign.begin(), foreign.end(), address, [](const RowAddress& a, const RowAddress& b) {
          return std::tuple(a.rank, a.row) < std::tuple(b.rank, b.row);
        });
    return static_cast<LocalRow>(graph.rows + (found - foreign.begin()));
  };
  LocalEdges from_anchored;
  LocalEdges from_travelling;
  LocalEdges from_halo;
  const auto list = [&](const std::vector<AnchoredEdge>& run,
                        std::vector<LocalEdge> LocalEdges::*local) {
    const auto add = [&](LocalRow row, LocalRow column) {
      if (row >= graph.rows)
        (from_halo.*local).push_back({row - graph.rows, column});
      else if (row >= graph.anchored.begin && row < graph.anchored.end)
        (from_anchored.*local).push_back({row - graph.anchored.begin, column});
      else
        (from_travelling.*local).push_back({row - graph.travelling.begin, column});
    };
    (from_anchored.*local).reserve(run.size());
    for (const AnchoredEdge& edge : run) {
      const LocalRow traveller = local_row(edge.traveller);
      add(edge.anchor, traveller);
      add(traveller, edge.anchor);
    }
  };
  list(edges.full, &LocalEdges::full);
  list(edges.light, &LocalEdges::light);
  graph.by_anchor = make_csr(graph.anchored.size(), from_anchored, edges.light_weight);
  graph.by_traveller = make_csr(graph.travelling.size(), from_travelling, edges.light_weight);
  graph.by_halo = make_csr(graph.halo_rows, from_halo, edges.light_weight);
  return graph;
}

}  // namespace siren::inline distributed
