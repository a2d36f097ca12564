// SPDX-License-Identifier: Apache-2.0
#include "siren/dist/propagation.hpp"

#include <cmath>
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
      share_(static_cast<std::size_t>(graph.rows), Real{1} / static_cast<Real>(shape.layers + 1)),
      forward_(make_scaling(false)),
      backward_(make_scaling(true)),
      plan_(make_exchange_plan(comm, graph.halo_row_at_owner, graph.halo_counts)),
      exchange_(comm, kernels, clock, Tag::kExpand, Tag::kFold),
      table_(graph.rows + graph.halo_rows, shape.dimension),
      next_table_(graph.rows + graph.halo_rows, shape.dimension),
      halo_sums_(graph.halo_rows, shape.dimension),
      own_sums_(plan_.send_rows.empty() ? 0 : graph.travelling.size(), shape.dimension),
      halo_tiles_(balanced_tiles(graph.by_halo.offsets, kEdgesPerTile)),
      own_tiles_(balanced_tiles(graph.by_traveller.offsets, kEdgesPerTile)),
      anchor_tiles_(balanced_tiles(graph.by_anchor.offsets, kEdgesPerTile)) {
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
void Propagation<Precision>::forward(const Matrix<Real>& x,
                                     Matrix<Real>& mean,
                                     const Work& overlap) {
  apply(x, forward_, mean, overlap);
}

template <class Precision>
void Propagation<Precision>::backward(const Matrix<Real>& mean_gradient, Matrix<Real>& x_gradient) {
  apply(mean_gradient, backward_, x_gradient, {});
}

template <class Precision>
void Propagation<Precision>::apply(const Matrix<Real>& x,
                                   const Scaling& scaling,
                                   Matrix<Real>& mean,
                                   const Work& overlap) {
  const auto phase = clock_.enter(Phase::kProduct);
  mean.set_zero();
  parallel_blocks(graph_.rows, kRowsPerBlock, [&](std::int64_t begin, std::int64_t end) {
    kernels_.scale_rows(x.data(), scaling.first.data(), width_, begin, end, table_.data());
    kernels_.sums_to_layer(x.data(), width_, begin, end,
                           {nullptr, nullptr, mean.data(), share_.data()});
  });
  if (shape_.layers == 0 && overlap) overlap();
  for (int k = 1; k <= shape_.layers; ++k) {
    layer(scaling, k == shape_.layers, mean, k == 1 ? overlap : Work{});
    std::swap(table_, next_table_);
  }
}

template <class Precision>
void Propagation<Precision>::layer(const Scaling& scaling,
                                   bool last,
                                   Matrix<Real>& mean,
                                   const Work& overlap) {
  const auto output_at = [&](std::int64_t row) {
    return LayerOutput<Real, Stored>{last ? nullptr : next_table_.row(row),
                                     scaling.next.data() + row, mean.row(row),
                                     scaling.sum.data() + row};
  };
  exchange_.start_expand(table_.row(graph_.travelling.begin), table_.row(graph_.rows));
  if (overlap) overlap();
  sum_halo_rows();
  exchange_.start_fold(halo_sums_.data());
  sum_travelling_rows(output_at(graph_.travelling.begin));
  exchange_.finish_expand();
  sum_anchored_rows(output_at(graph_.anchored.begin));
  add_partial_sums(output_at(graph_.travelling.begin));
}

template <class Precision>
template <class Body>
void Propagation<Precision>::over_tiles(const std::vector<std::int64_t>& bounds, const Body& body) {
  parallel_tiles(
      static_cast<std::int64_t>(bounds.size()) - 1,
      [&](std::int64_t tile) {
        body(bounds[static_cast<std::size_t>(tile)], bounds[static_cast<std::size_t>(tile) + 1]);
      },
      [this] {
        exchange_.progress();
        if (poll_) poll_();
      });
}

template <class Precision>
void Propagation<Precision>::sum_halo_rows() {
  over_tiles(halo_tiles_, [&](std::int64_t begin, std::int64_t end) {
    kernels_.product_to_wire(graph_.by_halo.view(), table_.data(), width_, begin, end,
                             halo_sums_.data());
  });
}

template <class Precision>
void Propagation<Precision>::sum_travelling_rows(const LayerOutput<Real, Stored>& to) {
  const CsrView csr = graph_.by_traveller.view();
  over_tiles(own_tiles_, [&](std::int64_t begin, std::int64_t end) {
    if (own_sums_.rows() == 0)
      kernels_.product_to_layer(csr, table_.data(), width_, begin, end, to);
    else
      kernels_.product_to_sums(csr, table_.data(), width_, begin, end, own_sums_.data());
  });
}

template <class Precision>
void Propagation<Precision>::sum_anchored_rows(const LayerOutput<Real, Stored>& to) {
  over_tiles(anchor_tiles_, [&](std::int64_t begin, std::int64_t end) {
    kernels_.product_to_layer(graph_.by_anchor.view(), table_.data(), width_, begin, end, to);
  });
}

template <class Precision>
void Propagation<Precision>::add_partial_sums(const LayerOutput<Real, Stored>& to) {
  exchange_.finish_fold(own_sums_.data());
  parallel_blocks(own_sums_.rows(), kRowsPerBlock, [&](std::int64_t begin, std::int64_t end) {
    kernels_.sums_to_layer(own_sums_.data(), width_, begin, end, to);
  });
}

template <class Precision>
std::int64_t Propagation<Precision>::rows_sent_per_layer() const {
  return plan_.rows_sent(self_) + graph_.halo_rows;
}

template <class Precision>
std::int64_t Propagation<Precision>::bytes() const {
  return table_.bytes() + next_table_.bytes() + halo_sums_.bytes() + own_sums_.bytes();
}

template class Propagation<Fp32>;
template class Propagation<Bf16>;
template class Propagation<Fp64>;

}  // namespace siren
