// SPDX-License-Identifier: Apache-2.0
// The MLP for the disliked part of the graph, computed only for the rows a step needs:
//
//   Y(0) = rows of the table Y0          [n x d]
//   Y(l+1) = dropout(relu(Y(l) W_l^T + b_l))
//   Zn = Y(layers)
#pragma once

#include <functional>
#include <vector>

#include "math/kernels.hpp"
#include "math/matrix.hpp"
#include "model/dense_tensors.hpp"
#include "model/dropout.hpp"
#include "model/shape.hpp"

namespace siren::inline model {

template <class Precision>
class DislikedBranch {
 public:
  using Real = typename Precision::Real;

  DislikedBranch(const ModelShape& shape, const Kernels<Precision>& kernels);

  /// Zn of the needed rows from table Y0 [owned rows x d]. poll() runs between blocks on the main
  /// thread.
  void forward(const Pass<Real>& pass, const Matrix<Real>& table,
               const std::function<void()>& poll);

  /// [n x d], of the last forward.
  const Matrix<Real>& output() const { return activations_.back(); }

  /// Backward of that pass for a block of compact rows, from dL/dZn in those rows of d [n x d],
  /// which are overwritten, to dL/dY(0) in those of table_gradient [n x d]; tensor gradients are
  /// added to dense_gradient. Blocks are independent.
  void backward_block(const Pass<Real>& pass, const RowRange& block, Matrix<Real>& d,
                      Matrix<Real>& table_gradient, Real* dense_gradient) const;

 private:
  void forward_block(const Pass<Real>& pass, const Matrix<Real>& table, const RowRange& block);
  bool drops(const Pass<Real>& pass) const { return pass.mode.training && dropout_.active(); }

  const Kernels<Precision>& kernels_;
  DenseLayout layout_;
  Dropout dropout_;
  std::int64_t width_;
  std::vector<Matrix<Real>> activations_;  // Y(0) .. Y(layers), each [n x d]
  std::vector<Matrix<Real>> transposed_;   // W_l^T, of the last forward
};

}  // namespace siren::inline model
