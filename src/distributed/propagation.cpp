// SPDX-License-Identifier: Apache-2.0
#include "distributed/propagation.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "math/parallel.hpp"
#include "math/read_in_order.hpp"
#include "siren/check.hpp"

namespace siren::inline distributed {

namespace {

/// To list the edges of needed rows and visit them takes as long as to visit so many of all.
constexpr std::int64_t kVisitsPerListedEdge = 4;

constexpr std::int64_t kRowsPerBlock = 256;

/// Of LayerScaling::weighted.
std::int64_t weighted_count(std::span<const double> weights) {
  const bool equal = std::ranges::all_of(weights, [&](double one) { return one == weights[0]; });
  return equal ? 1 : std::ssize(weights);
}

/// The kernels that end in this kind of output.
template <class Output, class Precision>
auto product_to(const Kernels<Precision>& kernels) {
  if constexpr (requires(Output to) { to.sum; })
    return kernels.product_to_layer;
  else
    return kernels.product_to_adjoint;
}
template <class Output, class Precision>
auto sums_to(const Kernels<Precision>& kernels) {
  if constexpr (requires(Output to) { to.sum; })
    return kernels.sums_to_layer;
  else
    return kernels.sums_to_adjoint;
}

}  // namespace

std::vector<double> layer_weights(std::span<const double> given, int layers) {
  const auto powers = static_cast<std::size_t>(layers) + 1;
  SIREN_ASSERT(given.empty() || given.size() == powers, "{} weights of {} layers", given.size(),
               layers);
  if (!given.empty()) return {given.begin(), given.end()};
  return std::vector(powers, 1.0 / static_cast<double>(powers));
}

template <class Real>
LayerScaling<Real> layer_scaling(std::span<const double> degrees, Normalisation normalisation,
                                 std::span<const double> weights, Direction direction) {
  const bool symmetric = normalisation == Normalisation::kSymmetric;
  const bool adjoint = direction == Direction::kAdjoint;
  LayerScaling<Real> scaling;
  std::vector<Real> unweighted;
  for (std::vector<Real>* factors : {&scaling.plain, &scaling.next, &unweighted})
    factors->reserve(degrees.size());
  for (const double degree : degrees) {
    const Real inverse = degree == 0.0 ? Real{0} : Real{1} / static_cast<Real>(degree);
    const Real root = std::sqrt(inverse);
    const Real present = degree == 0.0 ? Real{0} : Real{1};
    const Real pre = symmetric ? root : (adjoint ? inverse : present);
    const Real post = symmetric ? root : (adjoint ? present : inverse);
    scaling.plain.push_back(adjoint ? post : pre);
    scaling.next.push_back(symmetric ? inverse : pre * post);
    unweighted.push_back(adjoint ? pre : post);
  }
  for (const double weight : weights) {
    const auto gamma = static_cast<Real>(weight);
    scaling.gamma.push_back(gamma);
    if (std::ssize(scaling.weighted) == weighted_count(weights)) continue;
    std::vector<Real>& factors = scaling.weighted.emplace_back(unweighted);
    for (Real& factor : factors) factor *= gamma;
  }
  return scaling;
}

template LayerScaling<float> layer_scaling(std::span<const double>, Normalisation,
                                           std::span<const double>, Direction);
template LayerScaling<double> layer_scaling(std::span<const double>, Normalisation,
                                            std::span<const double>, Direction);

template <class Precision>
Propagation<Precision>::Propagation(const Communicator& comm, const Adjacency& graph,
                                    const Kernels<Precision>& kernels, const Shape& shape,
                                    PhaseClock& clock, Work poll)
    : graph_(graph),
      kernels_(kernels),
      shape_(shape),
      clock_(clock),
      poll_(std::move(poll)),
      self_(comm.rank()),
      alone_(comm.size() == 1),
      sums_late_(true),
      width_(padded(shape.dimension)),
      forward_(layer_scaling<Real>(graph.degree, shape.normalisation,
                                   layer_weights(shape.weights, shape.layers),
                                   Direction::kForward)),
      backward_(layer_scaling<Real>(graph.degree, shape.normalisation,
                                    layer_weights(shape.weights, shape.layers),
                                    Direction::kAdjoint)),
      plan_(make_exchange_plan(comm, graph.halo_row_at_owner, graph.halo_counts)),
      exchange_(comm, kernels, clock, Tag::kExpand, Tag::kFold),
      table_(graph.rows + graph.halo_rows, shape.dimension),
      next_table_(graph.rows + graph.halo_rows, shape.dimension),
      own_sums_(0, shape.dimension),
      all_halo_(all_rows(graph.by_halo.offsets)),
      all_travelling_(all_rows(graph.by_traveller.offsets)),
      all_anchored_(all_rows(graph.by_anchor.offsets)),
      needed_edges_(graph) {
  for (const LocalRow row : plan_.send_rows)
    SIREN_ASSERT(row >= 0 && row < graph.rows, "row {} of {} owned", row, graph.rows);
  exchange_.keep_plan(&plan_, width_, graph.rows, shape.share_memory);
  sums_late_ = exchange_.stays_on_node();
  if (!sums_late_ && !plan_.send_rows.empty())
    own_sums_ = Matrix<Real>(graph.size().travelling_rows, shape.dimension);
}

template <class Precision>
void Propagation<Precision>::forward(const Matrix<Real>& x, Matrix<Real>& mean,
                                     const Work& overlap) {
  add_powers(x, mean, {all_anchored_, all_travelling_}, nullptr, overlap);
}

template <class Precision>
void Propagation<Precision>::forward_rows(const Matrix<Real>& x, Matrix<Real>& mean,
                                          const RowSet& needed, const Work& overlap) {
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
void Propagation<Precision>::backward_rows(const Matrix<Real>& mean_gradient, const RowSet& needed,
                                           Matrix<Real>& x_gradient) {
  check(needed, mean_gradient);
  bool list = false;
  {
    const auto phase = clock_.enter(Phase::kProduct);
    select_rows(needed.rows, graph_.anchored, graph_.by_anchor.offsets, needed_anchored_);
    list =
        !graph_.both_travel && kVisitsPerListedEdge * needed_anchored_.edges < all_anchored_.edges;
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
std::int64_t Propagation<Precision>::bytes(const GraphSize& graph, std::int64_t dimension,
                                           std::span<const double> weights,
                                           const HaloMemory& halo) {
  constexpr std::int64_t kReal = sizeof(Real);
  const std::int64_t width = padded(dimension);
  const std::int64_t tables = 2 * (graph.rows + graph.halo_rows) * width * sizeof(Stored);
  // sums of own edges, until those from another node have come
  const std::int64_t waiting = halo.rows_sent > 0 ? graph.travelling_rows * width * kReal : 0;
  const std::int64_t scalings = 2 * (2 + weighted_count(weights)) * graph.rows * kReal;
  return tables + waiting + scalings +
         RowExchange<Precision>::bytes({graph.halo_rows, halo.rows_sent}, width, halo.shared);
}

template <class Precision>
auto Propagation<Precision>::all_edges(const LayerRows& rows) const -> LayerEdges {
  const std::int64_t count = rows.travelling.edges + all_halo_.edges;
  return {graph_.by_traveller.view(), graph_.by_halo.view(), count};
}

template <class Precision>
void Propagation<Precision>::add_powers(const Matrix<Real>& x, Matrix<Real>& mean,
                                        const LayerRows& last, Places places, const Work& overlap) {
  const auto phase = clock_.enter(Phase::kProduct);
  parallel_blocks(graph_.rows, kRowsPerBlock, [&](std::int64_t begin, std::int64_t end) {
    kernels_.begin_layers({x.data(), forward_.plain.data(), forward_.gamma[0], places}, width_,
                          begin, end, table_.data(), mean.data());
  });
  const LayerRows all{all_anchored_, all_travelling_};
  const auto layer_at = [&](int k) {
    const LayerRows& rows = k == shape_.layers ? last : all;
    return Layer{all_edges(rows), rows};
  };
  const auto output_at = [&](int k, std::int64_t row) {
    return LayerOutput<Real, Stored>{
        k == shape_.layers ? nullptr : next_table_.row(row), forward_.next.data() + row,
        places == nullptr ? mean.row(row) : mean.data(), forward_.weighted_by(k) + row,
        places == nullptr ? nullptr : places + row};
  };
  run_layers(layer_at, output_at, overlap);
}

template <class Precision>
void Propagation<Precision>::run_adjoint(const Matrix<Real>& gradient, Matrix<Real>& result,
                                         Places places, const NeededEdges* first) {
  const auto phase = clock_.enter(Phase::kProduct);
  const auto output_at = [&](int k, std::int64_t row) {
    return AdjointOutput<Real, Stored>{k == shape_.layers ? nullptr : next_table_.row(row),
                                       backward_.next.data() + row,
                                       backward_.weighted_by(shape_.layers - k) + row,
                                       result.row(row),
                                       backward_.plain.data() + row,
                                       backward_.gamma[0],
                                       places == nullptr ? gradient.row(row) : gradient.data(),
                                       places == nullptr ? nullptr : places + row};
  };
  parallel_blocks(graph_.rows, kRowsPerBlock, [&](std::int64_t begin, std::int64_t end) {
    kernels_.begin_adjoint(output_at(0, 0), width_, begin, end, table_.data());
  });
  const LayerRows all{all_anchored_, all_travelling_};
  const auto layer_at = [&](int k) {
    if (k > 1 || first == nullptr) return Layer{all_edges(all), all};
    return Layer{{first->by_traveller(), first->by_halo(), first->count()}, all};
  };
  run_layers(layer_at, output_at, {});
}

template <class Precision>
template <class LayerAt, class OutputAt>
void Propagation<Precision>::run_layers(const LayerAt& layer_at, const OutputAt& output_at,
                                        const Work& overlap) {
  if (overlap && (alone_ || shape_.layers == 0)) overlap();
  const int passes = alone_ ? 2 : 1;
  for (int pass = 0; pass < passes; ++pass) {
    for (int k = 1; k <= shape_.layers; ++k) {
      const auto output = [&](std::int64_t row) { return output_at(k, row); };
      if (alone_)
        run_side(layer_at(k), output, (k + pass) % 2 == 1);
      else
        run(layer_at(k), output, k == 1 ? overlap : Work{});
      std::swap(table_, next_table_);
    }
    if (shape_.layers % 2 == 1) std::swap(table_, next_table_);
  }
}

template <class Precision>
auto Propagation<Precision>::anchored(const Layer& layer) const -> Side {
  return {graph_.by_anchor.view(), layer.rows.anchored, graph_.anchored};
}

template <class Precision>
auto Propagation<Precision>::travelling(const Layer& layer) const -> Side {
  return {layer.edges.by_traveller, layer.rows.travelling, graph_.travelling};
}

template <class Precision>
template <class OutputAt>
void Propagation<Precision>::run_side(const Layer& layer, const OutputAt& output_at,
                                      bool travelling_side) {
  edge_visits_ += travelling_side ? layer.edges.count : layer.rows.anchored.edges;
  const Side side = travelling_side ? travelling(layer) : anchored(layer);
  read_rows(travelling_side ? graph_.anchored : graph_.travelling,
            travelling_side ? layer.edges.count : layer.rows.anchored.edges);
  sum_rows(output_at(side.range.begin), side);
}

template <class Precision>
template <class OutputAt>
void Propagation<Precision>::run(const Layer& layer, const OutputAt& output_at,
                                 const Work& overlap) {
  edge_visits_ += layer.edges.count + layer.rows.anchored.edges;
  exchange_.start_expand(table_.row(0), table_.row(graph_.rows));
  if (!shape_.overlap) exchange_.wait();
  if (overlap) overlap();
  const std::int64_t halo_edges = std::min(all_halo_.edges, layer.edges.count);
  read_rows(graph_.anchored, sums_late_ ? halo_edges : layer.edges.count);
  sum_halo_rows(layer.edges.by_halo);
  exchange_.start_fold();
  if (!shape_.overlap) exchange_.wait();
  if (graph_.both_travel)
    finish_both_sides(layer, output_at);
  else
    finish_one_side(layer, output_at, halo_edges);
}

/// Steps 4 to 6 where rows of one side travel.
template <class Precision>
template <class OutputAt>
void Propagation<Precision>::finish_one_side(const Layer& layer, const OutputAt& output_at,
                                             std::int64_t halo_edges) {
  const Side to = travelling(layer);
  const bool is_stored = own_sums_.rows() > 0;
  if (is_stored)
    sum_own_edges(to);
  else if (!sums_late_)
    sum_rows(output_at(to.range.begin), to);  // no other rank has any for them
  exchange_.finish_expand();
  read_rows(graph_.travelling, std::min(layer.rows.anchored.edges, all_travelling_.edges));
  sum_rows(output_at(graph_.anchored.begin), anchored(layer));
  exchange_.finish_fold();
  if (sums_late_) read_rows(graph_.anchored, layer.edges.count - halo_edges);
  if (is_stored || sums_late_) add_partial_sums(output_at(to.range.begin), to);
}

/// Steps 5 and 6 where rows of both sides travel.
template <class Precision>
template <class OutputAt>
void Propagation<Precision>::finish_both_sides(const Layer& layer, const OutputAt& output_at) {
  const Side sides[] = {travelling(layer), anchored(layer)};
  exchange_.finish_expand();
  if (own_sums_.rows() > 0)
    for (const Side& side : sides) sum_own_edges(side);
  exchange_.finish_fold();
  for (const Side& side : sides) add_partial_sums(output_at(side.range.begin), side);
}

/// Before (about) so many visits of these rows.
template <class Precision>
void Propagation<Precision>::read_rows(const RowRange& rows, std::int64_t visits) {
  read_rows_in_order(table_, rows.begin, rows.end, visits, [this] { let_messages_move(); });
}

template <class Precision>
void Propagation<Precision>::let_messages_move() {
  exchange_.progress();
  if (poll_) poll_();
}

/// body(begin, end) for every run of CSR rows.
template <class Precision>
template <class Body>
void Propagation<Precision>::over(const RowSelection& rows, const Body& body) {
  parallel_tiles(
      std::ssize(rows.tiles) - 1,
      [&](std::int64_t tile) {
        const auto t = static_cast<std::size_t>(tile);
        for (std::int64_t run = rows.tiles[t]; run < rows.tiles[t + 1]; ++run)
          body(rows.runs[static_cast<std::size_t>(run)].begin,
               rows.runs[static_cast<std::size_t>(run)].end);
      },
      [this] { let_messages_move(); });
}

template <class Precision>
void Propagation<Precision>::sum_halo_rows(const CsrView& csr) {
  over(all_halo_, [&](std::int64_t begin, std::int64_t end) {
    kernels_.product_to_wire(csr, table_.data(), width_, begin, end, exchange_.halo_sums());
  });
}

template <class Precision>
auto Propagation<Precision>::own_sums_of(const Side& side) -> Real* {
  return own_sums_.row(graph_.both_travel ? side.range.begin : 0);
}

template <class Precision>
void Propagation<Precision>::sum_own_edges(const Side& side) {
  Real* const sums = own_sums_of(side);
  over(side.rows, [&](std::int64_t begin, std::int64_t end) {
    kernels_.product_to_sums(side.edges, table_.data(), width_, begin, end, sums);
  });
}

/// The sums of the own edges, stored or made now, and then those of other ranks.
template <class Precision>
template <class Output>
void Propagation<Precision>::add_partial_sums(Output to, const Side& side) {
  to.partial = exchange_.partial_sums(side.range.begin);
  if (own_sums_.rows() == 0) return sum_rows(to, side);
  const Real* const sums = own_sums_of(side);
  over(side.rows, [&](std::int64_t begin, std::int64_t end) {
    sums_to<Output>(kernels_)(sums, width_, begin, end, to);
  });
}

template <class Precision>
template <class Output>
void Propagation<Precision>::sum_rows(const Output& to, const Side& side) {
  over(side.rows, [&](std::int64_t begin, std::int64_t end) {
    product_to<Output>(kernels_)(side.edges, table_.data(), width_, begin, end, to);
  });
}

template class Propagation<Fp32>;
template class Propagation<Bf16>;
template class Propagation<Fp64>;

}  // namespace siren::inline distributed
