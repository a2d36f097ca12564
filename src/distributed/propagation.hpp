// SPDX-License-Identifier: Apache-2.0
// LightGCN propagation over the graph of ratings: mean = sum_k gamma_k P^k x for k = 0..L, where
// gamma_k = 1/(L+1) unless other weights are given, with
//
//   sym    P = D^-1/2 A D^-1/2     (its own adjoint)
//   mean   P = D^-1 A              (adjoint A D^-1)
//
// A the symmetric bipartite adjacency (an edge is 1 or kappa, distributed/adjacency.hpp), D its
// degrees; rows of degree 0 give 0. Both are written as post * A * pre with diagonal pre and post;
// the adjoint swaps the two.
//
// The forward adds up the powers, for the rows that somebody will read. The adjoint is evaluated in
// Horner's form, h = gamma_L g, then h = gamma_k g + P^T h for k = L-1 .. 0: only the rows of g that
// are not zero are read, and the result is written once.
//
// One layer on each rank, in this order (see src/README.md, "A layer"):
//   1. start expand: owned rows that travel leave for the ranks whose edges touch them
//   2. sum the halo rows from local anchored rows (needs no communication)
//   3. start fold: those partial sums leave for their owners
//   4. sum the owned travelling rows from local anchored rows, unless nothing leaves the node
//   5. finish expand; sum the anchored rows, which read owned and halo rows
//   6. finish fold: add the other ranks' partial sums, in order of rank; where nothing leaves the
//      node, to the sums of 4, which are made only now and need not be stored
//
// If rows of both sides travel (Travel::kCover), owned rows of either side read halo rows and have
// partial sums to come: step 4 is left out, and 5 and 6 are done for both sides alike, 5 into sums
// that are stored if rows leave the node.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "distributed/adjacency.hpp"
#include "distributed/needed_edges.hpp"
#include "distributed/row_exchange.hpp"
#include "distributed/row_selection.hpp"
#include "distributed/row_set.hpp"
#include "math/kernels.hpp"
#include "math/matrix.hpp"
#include "siren/communicator.hpp"
#include "siren/config.hpp"

namespace siren::inline distributed {

using Work = std::function<void()>;

/// How halo rows travel, as far as memory depends on it.
struct HaloMemory {
  bool shared = false;         // ranks of a node reach them through memory that they share
  std::int64_t rows_sent = 0;  // in an expand, if any leave the node: they are packed for it
};

/// gamma_0 .. gamma_L: 1 / (L + 1) each if `given` is empty.
std::vector<double> layer_weights(std::span<const double> given, int layers);

/// post * A * pre as factors of rows, fused for the kernels, with the weights of the powers.
template <class Real>
struct LayerScaling {
  std::vector<Real> gamma;                  // [L+1]
  std::vector<Real> plain;                  // [rows] pre; adjoint: post
  std::vector<Real> next;                   // [rows] a layer's sums to the next table: pre post
  std::vector<std::vector<Real>> weighted;  // [L+1][rows] gamma_k post; adjoint: gamma_k pre. A
                                            // single one if all weights are equal
  const Real* weighted_by(int power) const {
    return weighted[weighted.size() == 1 ? 0 : static_cast<std::size_t>(power)].data();
  }
};

enum class Direction { kForward, kAdjoint };
/// Real: float, double. Rows of degree 0 have factors of 0. `weights`: layer_weights().
template <class Real>
LayerScaling<Real> layer_scaling(std::span<const double> degree, Normalisation normalisation,
                                 std::span<const double> weights, Direction direction);

template <class Precision>
class Propagation {
 public:
  using Real = typename Precision::Real;
  using Stored = typename Precision::Stored;

  struct Shape {
    int layers;              // L >= 0
    std::int64_t dimension;  // d
    Normalisation normalisation;
    bool overlap = true;  // false: rows are waited for as soon as they leave; the same bits, later
    bool share_memory = true;          // ranks of a node reach rows through memory that they share
    std::vector<double> weights = {};  // gamma_0 .. gamma_L; none: the mean
  };

  /// Collective. `graph` is borrowed. `poll` is called by the main thread between tiles, besides
  /// the progress of the propagation's own messages.
  Propagation(const Communicator& comm, const Adjacency& graph, const Kernels<Precision>& kernels,
              const Shape& shape, PhaseClock& clock, Work poll);

  /// mean [rows x d] from x [rows x d]. `overlap` runs once, while the first expand is in flight,
  /// or at once if there is none.
  void forward(const Matrix<Real>& x, Matrix<Real>& mean, const Work& overlap = {});

  /// The same for the needed rows only: mean [needed x d]; the last layer is computed for them alone.
  /// The bits are those of forward().
  void forward_rows(const Matrix<Real>& x, Matrix<Real>& mean, const RowSet& needed,
                    const Work& overlap = {});

  /// The adjoint: gradient of x from the gradient of the mean.
  void backward(const Matrix<Real>& mean_gradient, Matrix<Real>& x_gradient);

  /// The same if the gradient is zero outside the needed rows: mean_gradient [needed x d]. The first
  /// layer then skips the edges of all other anchored rows, where that saves more than it costs; not
  /// if rows of both sides travel. The bits are those of backward().
  void backward_rows(const Matrix<Real>& mean_gradient, const RowSet& needed,
                     Matrix<Real>& x_gradient);

  /// Lets the layer's messages move while `overlap` computes; main thread only.
  void progress() { exchange_.progress(); }

  /// Rows of d values this rank sends per layer (expand and fold together).
  std::int64_t rows_sent_per_layer() const;
  /// Of a row, padding included.
  std::int64_t width() const { return width_; }
  /// Table rows that this rank has added up since construction: one per edge, direction and layer.
  std::int64_t edge_visits() const { return edge_visits_; }
  HaloMemory halo_memory() const {
    return {exchange_.shares_memory(), sums_late_ ? 0 : std::ssize(plan_.send_rows)};
  }

  /// Memory of a propagation over a graph of that size, which is not part of it. What the batch of a step adds
  /// (NeededEdges) is not in it.
  static std::int64_t bytes(const GraphSize& graph, std::int64_t dimension,
                            std::span<const double> weights, const HaloMemory& halo);

 private:
  struct LayerRows {
    const RowSelection& anchored;
    const RowSelection& travelling;
  };
  /// Where the sums of the travelling side come from: columns are anchored rows.
  struct LayerEdges {
    CsrView by_traveller;
    CsrView by_halo;
    std::int64_t count;  // to be visited
  };
  /// The owned rows of a side: edges by row, rows of them to be summed, its rows in all tables.
  struct Side {
    CsrView edges;
    const RowSelection& rows;
    const RowRange& range;
  };
  void check(const RowSet& needed, const Matrix<Real>& compact) const;
  LayerEdges all_edges(const LayerRows& rows) const;

  void add_powers(const Matrix<Real>& x, Matrix<Real>& mean, const LayerRows& last, Places places,
                  const Work& overlap);
  void run_adjoint(const Matrix<Real>& gradient, Matrix<Real>& result, Places places,
                   const NeededEdges* first);
  struct Layer {
    LayerEdges edges;
    LayerRows rows;
  };
  /// All layers: layer_at(k), and output_at(k, row) for what becomes of the sums of rows from `row`
  /// on in layer k. A rank alone goes through them twice: once for the travelling rows of odd
  /// layers and the anchored rows of even ones, once for the others, which those never read. So each
  /// sum reads what the one before it wrote, while the cache still holds it. (The powers are then
  /// added to the mean in another order than on several ranks.)
  template <class LayerAt, class OutputAt>
  void run_layers(const LayerAt& layer_at, const OutputAt& output_at, const Work& overlap);
  /// Half a layer of a rank alone.
  template <class OutputAt>
  void run_side(const Layer& layer, const OutputAt& output_at, bool travelling_side);
  /// One layer; output_at(row) says what becomes of the sums of rows from `row` on.
  template <class OutputAt>
  void run(const Layer& layer, const OutputAt& output_at, const Work& overlap);
  template <class OutputAt>
  void finish_one_side(const Layer& layer, const OutputAt& output_at, std::int64_t halo_edges);
  template <class OutputAt>
  void finish_both_sides(const Layer& layer, const OutputAt& output_at);
  void read_rows(const RowRange& rows, std::int64_t visits);
  /// Those of this layer and, by poll, of others; between tiles.
  void let_messages_move();
  void sum_halo_rows(const CsrView& csr);
  void sum_own_edges(const Side& side);
  Side anchored(const Layer& layer) const;
  Side travelling(const Layer& layer) const;
  Real* own_sums_of(const Side& side);
  template <class Output>
  void sum_rows(const Output& to, const Side& side);
  template <class Output>
  void add_partial_sums(Output to, const Side& side);
  template <class Body>
  void over(const RowSelection& rows, const Body& body);

  const Adjacency& graph_;
  const Kernels<Precision>& kernels_;
  Shape shape_;
  PhaseClock& clock_;
  Work poll_;
  int self_;
  bool alone_;
  bool sums_late_;  // of rows that travel: together with those of others
  std::int64_t width_;
  LayerScaling<Real> forward_;
  LayerScaling<Real> backward_;
  ExchangePlan plan_;
  RowExchange<Precision> exchange_;
  Matrix<Stored> table_;       // [rows + halo x d] scaled input of the layer
  Matrix<Stored> next_table_;  // that of the next layer
  Matrix<Real> own_sums_;  // [travelling x d], [rows x d] if both sides travel: sums of own edges
                           // until those of others have come
  RowSelection all_halo_;
  RowSelection all_travelling_;
  RowSelection all_anchored_;
  RowSelection needed_travelling_;  // of the last layer
  RowSelection needed_anchored_;
  NeededEdges needed_edges_;  // of the adjoint's first layer
  std::int64_t edge_visits_ = 0;
};

}  // namespace siren::inline distributed
