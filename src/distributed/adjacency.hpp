// SPDX-License-Identifier: Apache-2.0
// This rank's part of the graph of ratings, in both orders. Edges are the liked ratings (E+), which
// weigh 1, and may be the others, which then weigh kappa. No edge has a value of its own: the degree
// scaling is separable, and edges of the same weight stand together.
//
// One side of the bipartite graph is *anchored*: each edge lives with the owner of its anchored
// end. Rows of the other side *travel*: those that local edges touch but other ranks own are copied
// into halo rows. Usually users are anchored and items travel; with more items than users it pays
// to mirror that.
//
// With Travel::kCover rows of both sides travel. Users are the anchored side, but an edge between
// two ranks may live with the owner of either end, so that the rows that are copied are a minimum
// vertex cover of the edges between each two ranks (distributed/vertex_cover.hpp).
//
// Local rows (see distributed/layout.hpp):
//
//   [0, rows)            owned: users, then items; the anchored side is one of the two ranges
//   [rows, rows + halo)  copies of foreign rows, grouped by owner, ascending
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "distributed/layout.hpp"
#include "math/kernels.hpp"
#include "siren/config.hpp"
#include "siren/ids.hpp"

namespace siren::inline distributed {

enum class Travel { kItems, kUsers, kCover };
/// Whose rows cross ranks.
constexpr std::string_view travelling_rows(Travel travel) {
  return travel == Travel::kItems   ? "items"
         : travel == Travel::kUsers ? "users"
                                    : "users and items";
}

/// kAuto: the smaller side travels.
Travel resolve(TravelChoice choice, std::int64_t all_users, std::int64_t all_items);

/// Whether a partition weighs items as the side that travels. With kCover, too, it takes the smaller
/// side, most of whose rows then are in the covers.
bool weighs_items_as_travelling(Travel travel, std::int64_t all_users, std::int64_t all_items);

/// An edge at the end with whose owner it lives.
struct AnchoredEdge {
  LocalRow anchor;       // owned row; of the anchored side unless the edge was moved by a cover
  RowAddress traveller;  // owner and row there; foreign if the anchor is of the travelling side
};

/// The edges of one rank, by weight.
struct GraphEdges {
  std::vector<AnchoredEdge> full;   // weigh 1
  std::vector<AnchoredEdge> light;  // weigh light_weight, kappa
  double light_weight = 1.0;
};

/// Compressed sparse rows owning their arrays; columns carry the slack that kernels may read. A row
/// is a run of light columns and one of full columns, each ascending.
struct Csr {
  std::vector<std::int64_t> offsets{0};
  std::vector<std::int64_t> split;  // [rows] where the full columns begin; empty: no light ones
  std::vector<std::int32_t> columns;
  double light_weight = 1.0;

  std::int64_t rows() const { return static_cast<std::int64_t>(offsets.size()) - 1; }
  std::int64_t nonzeros() const { return offsets.back(); }
  /// Rows from `first` on.
  CsrView view(std::int64_t first = 0) const {
    return {offsets.data() + first, columns.data(), split.empty() ? nullptr : split.data() + first,
            light_weight};
  }
  std::int64_t bytes() const { return bytes(rows(), nonzeros(), !split.empty()); }
  static std::int64_t bytes(std::int64_t rows, std::int64_t nonzeros, bool has_light) {
    return (rows + 1 + (has_light ? rows : 0)) * std::int64_t{sizeof(std::int64_t)} +
           (nonzeros + kColumnSlack) * std::int64_t{sizeof(std::int32_t)};
  }
};

/// How large a rank's part of the graph is, as far as memory depends on it.
struct GraphSize {
  std::int64_t rows = 0;             // owned
  std::int64_t travelling_rows = 0;  // of these, rows of a side that travels
  std::int64_t halo_rows = 0;
  std::int64_t bytes = 0;  // of the Adjacency
};

struct Adjacency {
  RowRange anchored;         // owned rows of the anchored side
  RowRange travelling;       // owned rows of the travelling side
  bool both_travel = false;  // Travel::kCover
  std::int64_t rows = 0;
  std::int64_t halo_rows = 0;

  Csr by_anchor;     // row a = anchored.begin + a; columns are local rows, owned or halo
  Csr by_traveller;  // row t = travelling.begin + t; columns are anchored rows, and halo rows of the
                     // anchored side if both travel
  Csr by_halo;       // row h = rows + h; columns are owned rows of the other side

  /// Weight of every owned row's edges over all ranks: likes + kappa (ratings - likes).
  std::vector<double> degree;  // [rows]

  /// The halo rows by owner: row at the owner [halo_rows], and how many per owner rank.
  std::vector<LocalRow> halo_row_at_owner;
  std::vector<std::int64_t> halo_counts;  // [ranks]

  /// That live here.
  std::int64_t edges() const {
    return (by_anchor.nonzeros() + by_traveller.nonzeros() + by_halo.nonzeros()) / 2;
  }
  bool has_light_edges() const {
    return !by_anchor.split.empty() || !by_traveller.split.empty() || !by_halo.split.empty();
  }

  GraphSize size() const {
    return {
        rows, both_travel ? rows : travelling.size(), halo_rows,
        by_anchor.bytes() + by_traveller.bytes() + by_halo.bytes() + row_bytes(rows, halo_rows)};
  }
  /// Of what there is for each row.
  static std::int64_t row_bytes(std::int64_t rows, std::int64_t halo_rows) {
    return rows * std::int64_t{sizeof(double)} + halo_rows * std::int64_t{sizeof(LocalRow)};
  }
};

/// `edges` in any order; `degree` [rows] as above.
Adjacency make_adjacency(const Layout& layout, Travel travel, const GraphEdges& edges,
                         std::vector<double> degree);

}  // namespace siren::inline distributed
