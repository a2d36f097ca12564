// SPDX-License-Identifier: Apache-2.0
// This rank's part of the liked graph E+, in both orders, without edge values (the degree scaling
// is separable).
//
// One side of the bipartite graph is *anchored*: each edge lives with the owner of its anchored
// end. Rows of the other side *travel*: those that local edges touch but other ranks own are copied
// into halo rows. Usually users are anchored and items travel; with more items than users it pays
// to mirror that. Local rows (see distributed/layout.hpp):
//
//   [0, rows)            owned: users, then items; the anchored side is one of the two ranges
//   [rows, rows + halo)  copies of foreign travelling rows, grouped by owner, ascending
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "distributed/layout.hpp"
#include "math/kernels.hpp"
#include "siren/config.hpp"
#include "siren/ids.hpp"

namespace siren::inline distributed {

enum class Travel { kItems, kUsers };

/// kAuto: the smaller side travels.
Travel resolve(TravelChoice choice, std::int64_t all_users, std::int64_t all_items);

/// An edge at its anchored end.
struct AnchoredEdge {
  LocalRow anchor;       // owned row
  RowAddress traveller;  // owner and row there
};

/// Compressed sparse rows owning their arrays; columns carry the slack that kernels may read.
struct Csr {
  std::vector<std::int64_t> offsets{0};
  std::vector<std::int32_t> columns;

  std::int64_t rows() const { return static_cast<std::int64_t>(offsets.size()) - 1; }
  std::int64_t nonzeros() const { return offsets.back(); }
  CsrView view() const { return {offsets.data(), columns.data()}; }
  std::int64_t bytes() const {
    return static_cast<std::int64_t>(offsets.size() * sizeof(std::int64_t) +
                                     columns.size() * sizeof(std::int32_t));
  }
};

struct Adjacency {
  RowRange anchored;    // owned rows of the anchored side
  RowRange travelling;  // owned rows of the travelling side
  std::int64_t rows = 0;
  std::int64_t halo_rows = 0;

  Csr by_anchor;     // row a = anchored.begin + a; columns are local rows, owned or halo, ascending
  Csr by_traveller;  // row t = travelling.begin + t; columns are anchored rows, ascending
  Csr by_halo;       // row h = rows + h; the same for the halo rows

  /// Likes of every owned row over all ranks: the degree in E+.
  std::vector<std::int32_t> degree;  // [rows]

  /// The halo rows by owner: row at the owner [halo_rows], and how many per owner rank.
  std::vector<LocalRow> halo_row_at_owner;
  std::vector<std::int64_t> halo_counts;  // [ranks]

  std::int64_t bytes() const {
    return by_anchor.bytes() + by_traveller.bytes() + by_halo.bytes() +
           (rows + halo_rows) * std::int64_t{sizeof(std::int32_t)};
  }
};

/// `edges` in any order; `degree` [rows] as above.
Adjacency make_adjacency(const Layout& layout, Travel travel,
                         const std::vector<AnchoredEdge>& edges, std::vector<std::int32_t> degree);

}  // namespace siren::inline distributed
