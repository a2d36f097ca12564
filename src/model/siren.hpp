// SPDX-License-Identifier: Apache-2.0
// The model on this rank: its parameters and the row-wise part of its forward and backward pass.
// What crosses rows (propagation) or ranks is the trainer's business; nothing here knows a rank.
//
//   model.embed_disliked(needed, mode, poll);            // Zn of the needed rows
//   const auto& z = model.fuse(zp, needed, mode);        // Z of the needed rows from their Zp
//   model.backward(needed, mode, dz, dzp, gradients, poll);   // gradients from dL/dZ
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "math/block_sum.hpp"
#include "model/fusion.hpp"
#include "model/mlp.hpp"
#include "model/parameter_set.hpp"

namespace siren::inline model {

/// The tables of Siren; models without the disliked branch have the first alone. With an item bias
/// its table [rows x 1] comes last; rows of users are zero.
enum SirenTable : std::size_t {
  kLiked,     // X0, propagated
  kDisliked,  // Y0
};

ParameterLayout parameter_layout(const ModelShape& shape);

template <class Precision>
class Siren {
 public:
  using Real = typename Precision::Real;

  /// `nodes` are the global ids of the owned rows. Parameters get their initial values.
  Siren(const ModelShape& shape, std::span<const NodeId> nodes, const Kernels<Precision>& kernels);
  /// With parameters of zero for `rows` owned rows, to be overwritten.
  Siren(const ModelShape& shape, std::int64_t rows, const Kernels<Precision>& kernels);

  const ModelShape& shape() const { return shape_; }
  const ParameterLayout& layout() const { return layout_; }
  ParameterSet<Real>& parameters() { return parameters_; }
  const ParameterSet<Real>& parameters() const { return parameters_; }
  /// X0 [rows x d]
  const Matrix<Real>& liked() const { return parameters_.tables[kLiked]; }
  bool has_item_bias() const { return shape_.item_bias; }
  /// a [rows x 1], zero at first.
  Matrix<Real>& item_bias() { return parameters_.tables.back(); }

  /// The disliked branch on the needed rows; nothing to do for models without one.
  void embed_disliked(const RowSet& needed, const Mode& mode, const std::function<void()>& poll);

  /// Z [needed x d] from zp [needed x d], after embed_disliked for the same rows; divided by the
  /// length of each row where scores are cosines (a row of zeros stays). Valid until the
  /// next call; zp is borrowed until the backward is done.
  const Matrix<Real>& fuse(const Real* zp, const RowSet& needed, const Mode& mode);
  /// What the last fuse() returned.
  const Matrix<Real>& fused() const { return z_; }

  /// From dz = dL/dZ [needed x d] (overwritten): all gradients except that of X0, for which dzp =
  /// dL/dZp [needed x d] is left to be propagated back. Every gradient is assigned, not added to.
  void backward(const RowSet& needed, const Mode& mode, Matrix<Real>& dz, Matrix<Real>& dzp,
                Gradients<Real>& gradients, const std::function<void()>& poll);

  /// Z and Zn of the owned rows [first, first + z.rows()); zn has no rows without the disliked
  /// branch.
  using VisitRows =
      std::function<void(std::int64_t first, const Matrix<Real>& z, const Matrix<Real>& zn)>;
  /// All owned rows without dropout, from zp [rows x d], block by block in ascending order.
  void embed_all(const Matrix<Real>& zp, std::span<const NodeId> nodes, const VisitRows& visit);

 private:
  void divide_by_length(std::int64_t rows);
  void project(Matrix<Real>& dz, std::int64_t rows) const;
  Pass<Real> pass_of(const RowSet& needed, const Mode& mode) const {
    return {needed, parameters_.dense.data(), mode};
  }

  ModelShape shape_;
  ParameterLayout layout_;
  ParameterSet<Real> parameters_;
  Mlp<Precision> disliked_;
  Fusion<Precision> fusion_;
  BlockSum<Real> dense_sum_;
  Matrix<Real> z_;
  std::vector<double> inverse_length_;  // [needed] of the rows before; none without cosines
};

}  // namespace siren::inline model
