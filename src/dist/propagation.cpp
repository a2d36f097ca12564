// SPDX-License-Identifier: Apache-2.0
#include "siren/dist/propagation.hpp"

#include <utility>

#include "siren/core/check.hpp"

namespace siren {

namespace {

/// To list the edges of needed rows and visit them takes as long as to visit so many of all.
constexpr std::int64_t kVisitsPerListedEdge = 4;

}  // namespace

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
      alone_(comm.size() == 1),
      sums_late_(true),
      width_(padded(shape.dimension)),
      forward_(make_scaling(false)),
      backward_(make_scaling(true)),
      plan_(make_exchange_plan(comm, graph.halo_row_at_owner, graph.halo_counts)),
      exchange_(comm, kernels, clock, Tag::kExpand, Tag::kFold),
      table_(graph.rows + graph.halo_rows, shape.dimension),
      next_table_(graph.rows + graph.halo_rows, shape.dimension),
      own_sums_(0, shape.dimension),
      all_halo_(all_rows(graph.by_halo.offsets)),
      all_travelling_(all_rows(graph.by_traveller.offsets)),
      all_anchored_(all_rows(graph.by_anchor.offsets)),
      needed_edges_(graph) {
  for (LocalRow& row : plan_.send_rows) {
    SIREN_ASSERT(row >= graph.travelling.begin && row < graph.travelling.end,
                 "row {} does not travel", row);
    row -= static_cast<LocalRow>(graph.travelling.begin);
  }
  exchange_.keep_plan(&plan_, width_, graph.travelling.size(), shape.share_memory);
  sums_late_ = exchange_.stays_on_node();
  if (!sums_late_ && !plan_.send_rows.empty())
    own_sums_ = Matrix<Real>(graph.travelling.size(), shape.dimension);
}

template <class Precision>
void Propagation<Precision>::forward(const Matrix<Real>& x,
                                     Matrix<Real>& mean,
                                     const Work& overlap) {
  add_powers(x, mean, {all_anchored_, all_travelling_}, nullptr, overlap);
}

template <class Precision>
void Propagation<Precision>::forward_rows(const Matrix<Real>& x,
                                          Matrix<Real>& mean,
                                          const RowSet& needed,
                                          const Work& overlap) {
  check(needed, mean);
  select_rows(needed.rows, graph_.anchored, graph_.by_anchor.offsets, needed_anchored_);
  select_rows(needed.rows, graph_.travelling, graph_.by_traveller.offsets, needed_travelling_);
  add_powers(x, mean, {needed_anchored_, needed_travelling_}, needed.places.data(), overlap);
}

template <class Precision>
void Propagation<Precision>::backward(const Matrix<Real>& mean_gradient, Matrix<Real>& x_gradient) {
  run_adjoint(mean_gradient, x_gradient, nullptr, nullptr);
}

template <class Precision>
void Propagation<Precision>::backward_rows(const Matrix<Real>& mean_gradient,
                                           const RowSet& needed,
                                           Matrix<Real>& x_gradient) {
  check(needed, mean_gradient);
  bool list = false;
  {
    const auto phase = clock_.enter(Phase::kProduct);
    select_rows(needed.rows, graph_.anchored, graph_.by_anchor.offsets, needed_anchored_);
    list = kVisitsPerListedEdge * needed_anchored_.edges < all_anchored_.edges;
    if (list) needed_edges_.select(needed.rows);
  }
  run_adjoint(mean_gradient, x_gradient, needed.places.data(), list ? &needed_edges_ : nullptr);
}

template <class Precision>
void Propagation<Precision>::check(const RowSet& needed, const Matrix<Real>& compact) const {
  SIREN_ASSERT(std::ssize(needed.places) == graph_.rows && compact.rows() >= needed.size(),
               "{} places of {} rows, {} of {} needed", needed.places.size(), graph_.rows,
               compact.rows(), needed.size());
}

template <class Precision>
std::int64_t Propagation<Precision>::rows_sent_per_layer() const {
  return plan_.rows_sent(self_) + graph_.halo_rows;
}

template <class Precision>
std::int64_t Propagation<Precision>::bytes() const {
  return table_.bytes() + next_table_.bytes() + exchange_.bytes() + own_sums_.bytes() +
         needed_edges_.bytes();
}

template class Propagation<Fp32>;
template class Propagation<Bf16>;
template class Propagation<Fp64>;

}  // namespace siren
