// SPDX-License-Identifier: Apache-2.0
#include "siren/dist/propagation.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "siren/core/error.hpp"
#include "siren/math/parallel.hpp"

namespace siren {

namespace {

constexpr std::int64_t kEdgesPerTile = 4096;
constexpr std::int64_t kRowsPerBlock = 256;

}  // namespace

Normalisation parse_normalisation(const std::string& name) {
  if (name == "sym") return Normalisation::kSymmetric;
  if (name == "mean") return Normalisation::kMean;
  throw InputError(fmt::format("--norm {}: unknown; use sym or mean", name));
}

template <class Precision>
Propagation<Precision>::Propagation(const Communicator& comm,
                                    const Adjacency& graph,
                                    const Kernels<Precision>& kernels,
                                    const Shape& shape,
                                    PhaseClock& clock,
                                    Work poll)
    : graph_(graph),
      kernels_(kernels),
      shape_(shape),
      clock_(clock),
      poll_(std::move(poll)),
      self_(comm.rank()),
      width_(padded(shape.dimension)),
      forward_(make_scaling(false)),
      backward_(make_scaling(true)),
      plan_(make_exchange_plan(comm, graph.halo_row_at_owner, graph.halo_counts)),
      exchange_(comm, kernels, clock, Tag::kExpand, Tag::kFold),
      table_(graph.rows + graph.halo_rows, shape.dimension),
      next_table_(graph.rows + graph.halo_rows, shape.dimension),
      halo_sums_(graph.halo_rows, shape.dimension),
      own_sums_(plan_.send_rows.empty() ? 0 : graph.travelling.size(), shape.dimension),
      all_halo_(all_rows(graph.by_halo.offsets)),
      all_travelling_(all_rows(graph.by_traveller.offsets)),
      all_anchored_(all_rows(graph.by_anchor.offsets)),
      needed_edges_(graph) {
  for (LocalRow& row : plan_.send_rows) {
    SIREN_ASSERT(row >= graph.travelling.begin && row < graph.travelling.end,
                 "row {} does not travel", row);
    row -= static_cast<LocalRow>(graph.travelling.begin);
  }
  exchange_.set_plan(&plan_, width_);
}

template <class Precision>
auto Propagation<Precision>::make_scaling(bool adjoint) const -> Scaling {
  Scaling scaling;
  const auto mean_of = static_cast<Real>(shape_.layers + 1);
  for (const std::int32_t degree : graph_.degree) {
    const Real inverse = degree == 0 ? Real{0} : Real{1} / static_cast<Real>(degree);
    const Real root = std::sqrt(inverse);
    const Real present = degree == 0 ? Real{0} : Real{1};
    const bool symmetric = shape_.normalisation == Normalisation::kSymmetric;
    const Real pre = symmetric ? root : (adjoint ? inverse : present);
    const Real post = symmetric ? root : (adjoint ? present : inverse);
    scaling.first.push_back(pre);
    scaling.next.push_back(symmetric ? inverse : pre * post);
    scaling.sum.push_back(post / mean_of);
  }
  return scaling;
}

template <class Precision>
auto Propagation<Precision>::all_rows(const std::vector<std::int64_t>& offsets) const -> Selection {
  const std::vector<std::int64_t> bounds = balanced_tiles(offsets, kEdgesPerTile);
  Selection all;
  all.edges = offsets.back();
  for (std::size_t t = 0; t + 1 < bounds.size(); ++t)
    all.runs.push_back({bounds[t], bounds[t + 1]});
  all.tiles.resize(bounds.size());
  std::iota(all.tiles.begin(), all.tiles.end(), std::int64_t{0});
  return all;
}

/// The needed rows of one side; neighbouring ones make a run.
template <class Precision>
void Propagation<Precision>::select(std::span<const LocalRow> needed,
                                    const RowRange& side,
                                    const std::vector<std::int64_t>& offsets,
                                    Selection& selection) const {
  selection.runs.clear();
  selection.tiles.assign(1, 0);
  selection.edges = 0;
  std::int64_t work = 0;  // of the present tile
  const auto end_tile = [&] {
    selection.tiles.push_back(std::ssize(selection.runs));
    work = 0;
  };
  auto at = std::lower_bound(needed.begin(), needed.end(), side.begin);
  for (; at != needed.end() && *at < side.end; ++at) {
    const std::int64_t row = *at - side.begin;
    const bool in_tile = selection.tiles.back() < std::ssize(selection.runs);
    if (in_tile && selection.runs.back().end == row)
      ++selection.runs.back().end;
    else
      selection.runs.push_back({row, row + 1});
    const std::int64_t edges =
        offsets[static_cast<std::size_t>(row) + 1] - offsets[static_cast<std::size_t>(row)];
    selection.edges += edges;
    work += 1 + edges;
    if (work >= kEdgesPerTile) end_tile();
  }
  if (work > 0) end_tile();
}

template <class Precision>
void Propagation<Precision>::forward(const Matrix<Real>& x,
                                     Matrix<Real>& mean,
                                     const Work& overlap) {
  apply(x, forward_, mean, nullptr, {all_anchored_, all_travelling_}, overlap);
}

template <class Precision>
void Propagation<Precision>::forward_rows(const Matrix<Real>& x,
                                          Matrix<Real>& mean,
                                          std::span<const LocalRow> needed,
                                          const Work& overlap) {
  select(needed, graph_.anchored, graph_.by_anchor.offsets, needed_anchored_);
  select(needed, graph_.travelling, graph_.by_traveller.offsets, needed_travelling_);
  apply(x, forward_, mean, nullptr, {needed_anchored_, needed_travelling_}, overlap);
}

template <class Precision>
void Propagation<Precision>::backward(const Matrix<Real>& mean_gradient, Matrix<Real>& x_gradient) {
  apply(mean_gradient, backward_, x_gradient, nullptr, {all_anchored_, all_travelling_}, {});
}

template <class Precision>
void Propagation<Precision>::backward_rows(const Matrix<Real>& mean_gradient,
                                           std::span<const LocalRow> needed,
                                           Matrix<Real>& x_gradient) {
  {
    const auto phase = clock_.enter(Phase::kProduct);
    needed_edges_.select(needed);
  }
  apply(mean_gradient, backward_, x_gradient, &needed_edges_, {all_anchored_, all_travelling_}, {});
}

template <class Precision>
auto Propagation<Precision>::all_edges(const LayerRows& rows) const -> LayerEdges {
  return {graph_.by_traveller.view(), graph_.by_halo.view(),
          rows.travelling.edges + all_halo_.edges};
}

template <class Precision>
void Propagation<Precision>::apply(const Matrix<Real>& x,
                                   const Scaling& scaling,
                                   Matrix<Real>& mean,
                                   const NeededEdges* first,
                                   const LayerRows& last,
                                   const Work& overlap) {
  const auto phase = clock_.enter(Phase::kProduct);
  const Real share = Real{1} / static_cast<Real>(shape_.layers + 1);
  parallel_blocks(graph_.rows, kRowsPerBlock, [&](std::int64_t begin, std::int64_t end) {
    kernels_.begin_layers({x.data(), scaling.first.data(), share}, width_, begin, end,
                          table_.data(), mean.data());
  });
  if (shape_.layers == 0 && overlap) overlap();
  const LayerRows all{all_anchored_, all_travelling_};
  for (int k = 1; k <= shape_.layers; ++k) {
    const bool is_last = k == shape_.layers;
    const LayerRows& rows = is_last ? last : all;
    LayerEdges edges = all_edges(rows);
    if (k == 1 && first != nullptr)
      edges = {first->by_traveller(), first->by_halo(), first->count()};
    run({edges, rows, is_last}, scaling, mean, k == 1 ? overlap : Work{});
    std::swap(table_, next_table_);
  }
}

template <class Precision>
void Propagation<Precision>::run(const Layer& layer,
                                 const Scaling& scaling,
                                 Matrix<Real>& mean,
                                 const Work& overlap) {
  const auto output_at = [&](std::int64_t row) {
    return LayerOutput<Real, Stored>{layer.last ? nullptr : next_table_.row(row),
                                     scaling.next.data() + row, mean.row(row),
                                     scaling.sum.data() + row};
  };
  const LayerRows& rows = layer.rows;
  edge_visits_ += layer.edges.count + rows.anchored.edges;
  exchange_.start_expand(table_.row(graph_.travelling.begin), table_.row(graph_.rows));
  if (!shape_.overlap) exchange_.wait();
  if (overlap) overlap();
  sum_halo_rows(layer.edges.by_halo);
  exchange_.start_fold(halo_sums_.data());
  if (!shape_.overlap) exchange_.wait();
  sum_travelling_rows(output_at(graph_.travelling.begin), layer.edges.by_traveller,
                      rows.travelling);
  exchange_.finish_expand();
  sum_anchored_rows(output_at(graph_.anchored.begin), rows.anchored);
  add_partial_sums(output_at(graph_.travelling.begin), rows.travelling);
}

/// body(begin, end) for every run of CSR rows.
template <class Precision>
template <class Body>
void Propagation<Precision>::over(const Selection& rows, const Body& body) {
  parallel_tiles(
      std::ssize(rows.tiles) - 1,
      [&](std::int64_t tile) {
        const auto t = static_cast<std::size_t>(tile);
        for (std::int64_t run = rows.tiles[t]; run < rows.tiles[t + 1]; ++run)
          body(rows.runs[static_cast<std::size_t>(run)].begin,
               rows.runs[static_cast<std::size_t>(run)].end);
      },
      [this] {
        exchange_.progress();
        if (poll_) poll_();
      });
}

template <class Precision>
void Propagation<Precision>::sum_halo_rows(const CsrView& csr) {
  over(all_halo_, [&](std::int64_t begin, std::int64_t end) {
    kernels_.product_to_wire(csr, table_.data(), width_, begin, end, halo_sums_.data());
  });
}

template <class Precision>
void Propagation<Precision>::sum_travelling_rows(const LayerOutput<Real, Stored>& to,
                                                 const CsrView& csr,
                                                 const Selection& rows) {
  over(rows, [&](std::int64_t begin, std::int64_t end) {
    if (own_sums_.rows() == 0)
      kernels_.product_to_layer(csr, table_.data(), width_, begin, end, to);
    else
      kernels_.product_to_sums(csr, table_.data(), width_, begin, end, own_sums_.data());
  });
}

template <class Precision>
void Propagation<Precision>::sum_anchored_rows(const LayerOutput<Real, Stored>& to,
                                               const Selection& rows) {
  over(rows, [&](std::int64_t begin, std::int64_t end) {
    kernels_.product_to_layer(graph_.by_anchor.view(), table_.data(), width_, begin, end, to);
  });
}

template <class Precision>
void Propagation<Precision>::add_partial_sums(const LayerOutput<Real, Stored>& to,
                                              const Selection& rows) {
  exchange_.finish_fold(own_sums_.data());
  if (own_sums_.rows() == 0) return;
  over(rows, [&](std::int64_t begin, std::int64_t end) {
    kernels_.sums_to_layer(own_sums_.data(), width_, begin, end, to);
  });
}

template <class Precision>
std::int64_t Propagation<Precision>::rows_sent_per_layer() const {
  return plan_.rows_sent(self_) + graph_.halo_rows;
}

template <class Precision>
std::int64_t Propagation<Precision>::bytes() const {
  return table_.bytes() + next_table_.bytes() + halo_sums_.bytes() + own_sums_.bytes() +
         needed_edges_.bytes();
}

template class Propagation<Fp32>;
template class Propagation<Bf16>;
template class Propagation<Fp64>;

}  // namespace siren
