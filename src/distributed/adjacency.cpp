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

/// Counting sort by row; columns ascending within a row.
Csr make_csr(std::int64_t rows, std::span<const LocalEdge> edges) {
  Csr csr;
  csr.offsets.assign(as_index(rows) + 1, 0);
  for (const LocalEdge& edge : edges) ++csr.offsets[as_index(edge.row) + 1];
  std::partial_sum(csr.offsets.begin(), csr.offsets.end(), csr.offsets.begin());
  csr.columns.assign(edges.size() + as_index(kColumnSlack), 0);
  std::vector<std::int64_t> next(csr.offsets.begin(), csr.offsets.end() - 1);
  for (const LocalEdge& edge : edges)
    csr.columns[as_index(next[as_index(edge.row)]++)] = edge.column;
  for (std::int64_t r = 0; r < rows; ++r)
    std::sort(csr.columns.begin() + csr.offsets[as_index(r)],
              csr.columns.begin() + csr.offsets[as_index(r) + 1]);
  return csr;
}

/// Foreign travelling rows of the edges: distinct, by owner, then row.
std::vector<RowAddress> foreign_rows(const Layout& layout, std::span<const AnchoredEdge> edges) {
  std::vector<RowAddress> foreign;
  for (const AnchoredEdge& edge : edges)
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
  if (choice == TravelChoice::kAuto) return all_items > all_users ? Travel::kUsers : Travel::kItems;
  return choice == TravelChoice::kUsers ? Travel::kUsers : Travel::kItems;
}

Adjacency make_adjacency(const Layout& layout, Travel travel,
                         const std::vector<AnchoredEdge>& edges, std::vector<std::int32_t> degree) {
  Adjacency graph;
  const RowRange users{0, layout.users()};
  const RowRange items{layout.users(), layout.rows()};
  graph.anchored = travel == Travel::kItems ? users : items;
  graph.travelling = travel == Travel::kItems ? items : users;
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
  std::vector<LocalEdge> from_anchor;
  std::vector<LocalEdge> from_owned;
  std::vector<LocalEdge> from_halo;
  from_anchor.reserve(edges.size());
  for (const AnchoredEdge& edge : edges) {
    const LocalRow traveller = local_row(edge.traveller);
    from_anchor.push_back({edge.anchor - graph.anchored.begin, traveller});
    if (traveller < graph.rows)
      from_owned.push_back({traveller - graph.travelling.begin, edge.anchor});
    else
      from_halo.push_back({traveller - graph.rows, edge.anchor});
  }
  graph.by_anchor = make_csr(graph.anchored.size(), from_anchor);
  graph.by_traveller = make_csr(graph.travelling.size(), from_owned);
  graph.by_halo = make_csr(graph.halo_rows, from_halo);
  return graph;
}

}  // namespace siren::inline distributed
