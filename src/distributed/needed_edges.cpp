// SPDX-License-Identifier: Apache-2.0
#include "distributed/needed_edges.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "math/parallel.hpp"
#include "siren/check.hpp"

namespace siren::inline distributed {

/// Columns of the anchored row's run in the piece; a run's columns ascend.
std::span<const std::int32_t> NeededEdges::columns_of(Run run, LocalRow anchor,
                                                      const Piece& piece) const {
  const Csr& csr = graph_.by_anchor;
  const auto a = static_cast<std::size_t>(anchor - graph_.anchored.begin);
  const std::int64_t split = csr.split.empty() ? csr.offsets[a] : csr.split[a];
  const bool light = run == Run::kLight;
  const std::int32_t* const first = csr.columns.data() + (light ? csr.offsets[a] : split);
  const std::int32_t* const last = csr.columns.data() + (light ? split : csr.offsets[a + 1]);
  return {std::lower_bound(first, last, piece.begin), std::lower_bound(first, last, piece.end)};
}

/// The columns of owned travelling rows and of halo rows, in as many pieces as there are threads.
void NeededEdges::cut(int pieces) {
  const std::int64_t owned = graph_.travelling.size();
  const std::int64_t all = owned + graph_.halo_rows;
  pieces_.clear();
  for (int p = 0; p < pieces; ++p) {
    const std::int64_t begin = all * p / pieces;
    const std::int64_t end = all * (p + 1) / pieces;
    if (begin < std::min(end, owned))
      pieces_.push_back({graph_.travelling.begin + begin,
                         graph_.travelling.begin + std::min(end, owned), begin, 0, 0});
    if (std::max(begin, owned) < end)
      pieces_.push_back({graph_.rows + std::max(begin, owned) - owned, graph_.rows + end - owned,
                         std::max(begin, owned), 0, 0});
  }
}

/// The runs that rows have, in their order.
std::span<const NeededEdges::Run> NeededEdges::runs() const {
  static constexpr Run kRuns[] = {Run::kLight, Run::kFull};
  return graph_.by_anchor.split.empty() ? std::span(kRuns).last(1) : std::span(kRuns);
}

/// How many edges each column has, and the piece.
void NeededEdges::count(std::span<const LocalRow> anchors, Piece& piece) {
  std::uint32_t* const next = next_.data();
  std::fill(next + piece.begin, next + piece.end, 0U);
  piece.edges = 0;
  for (const Run run : runs())
    for (const LocalRow anchor : anchors) {
      const auto columns = columns_of(run, anchor, piece);
      for (const std::int32_t column : columns) ++next[column];
      piece.edges += std::ssize(columns);
    }
}

/// Lists them.
void NeededEdges::list(std::span<const LocalRow> anchors, const Piece& piece) {
  std::int64_t at = piece.first;
  std::uint32_t* const next = next_.data();
  std::int64_t* offset = edges_.offsets.data() + piece.row;
  for (std::int64_t column = piece.begin; column < piece.end; ++column) {
    *offset++ = at;
    at += std::exchange(next[column], static_cast<std::uint32_t>(at));
  }
  std::int32_t* const columns = edges_.columns.data();
  for (const Run run : runs()) {
    for (const LocalRow anchor : anchors)
      for (const std::int32_t column : columns_of(run, anchor, piece))
        columns[next[column]++] = anchor;
    if (run == Run::kLight)
      std::copy(next + piece.begin, next + piece.end, edges_.split.data() + piece.row);
  }
}

/// Turns the lists around by counting: a transposition of a part of the matrix. Threads share the
/// columns, so that each list is made by one of them, in the order of the anchored rows.
void NeededEdges::select(std::span<const LocalRow> needed) {
  const auto first = std::lower_bound(needed.begin(), needed.end(), graph_.anchored.begin);
  const auto last = std::lower_bound(first, needed.end(), graph_.anchored.end);
  const std::span<const LocalRow> anchors(first, last);
  cut(omp_get_max_threads());
  next_.resize(static_cast<std::size_t>(graph_.rows + graph_.halo_rows));
  const auto rows = static_cast<std::size_t>(graph_.travelling.size() + graph_.halo_rows);
  edges_.offsets.resize(rows + 1);
  if (!graph_.by_anchor.split.empty()) edges_.split.resize(rows);
  edges_.light_weight = graph_.by_anchor.light_weight;
  const auto piece_of = [this](std::int64_t p) -> Piece& {
    return pieces_[static_cast<std::size_t>(p)];
  };
  parallel_tiles(
      std::ssize(pieces_), [&](std::int64_t p) { count(anchors, piece_of(p)); }, [] {});
  std::int64_t total = 0;
  for (Piece& piece : pieces_) piece.first = std::exchange(total, total + piece.edges);
  SIREN_ASSERT(total <= std::numeric_limits<std::uint32_t>::max(), "{} edges of a batch", total);
  edges_.offsets.back() = total;
  edges_.columns.resize(static_cast<std::size_t>(total + kColumnSlack));
  parallel_tiles(
      std::ssize(pieces_), [&](std::int64_t p) { list(anchors, piece_of(p)); }, [] {});
}

}  // namespace siren::inline distributed
