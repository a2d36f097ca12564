// SPDX-License-Identifier: Apache-2.0
// The edges of some of the anchored rows, listed by travelling row: all that a product has to visit
// if the other anchored rows are zero.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "distributed/adjacency.hpp"

namespace siren::inline distributed {

class NeededEdges {
 public:
  /// Of no row yet. `graph` is borrowed.
  explicit NeededEdges(const Adjacency& graph) : graph_(graph) {}

  /// `needed`: owned rows, ascending; those of the anchored side count. Takes time and memory by
  /// their edges and the number of travelling rows. Columns keep their order, so that sums have the
  /// bits of sums over all edges.
  void select(std::span<const LocalRow> needed);

  /// In place of graph.by_traveller and graph.by_halo. Valid until the next select().
  CsrView by_traveller() const { return edges_.view(); }
  CsrView by_halo() const { return edges_.view(graph_.travelling.size()); }
  std::int64_t count() const { return edges_.nonzeros(); }

 private:
  /// Columns [begin, end), all of owned or all of halo rows, for one thread.
  struct Piece {
    std::int64_t begin;
    std::int64_t end;
    std::int64_t row;    // of edges_, for column `begin`
    std::int64_t edges;  // of needed rows
    std::int64_t first;  // place of the first of them in edges_.columns
  };
  enum class Run { kLight, kFull };
  void cut(int pieces);
  std::span<const Run> runs() const;
  std::span<const std::int32_t> columns_of(Run run, LocalRow anchor, const Piece& piece) const;
  void count(std::span<const LocalRow> anchors, Piece& piece);
  void list(std::span<const LocalRow> anchors, const Piece& piece);

  const Adjacency& graph_;
  Csr edges_;  // rows: owned travelling rows, then halo rows
  std::vector<Piece> pieces_;
  std::vector<std::uint32_t> next_;  // [rows + halo] by column: how many, then where the next goes
};

}  // namespace siren::inline distributed
