// SPDX-License-Identifier: Apache-2.0
// An MLP over rows of a table, computed only for the rows a step needs. It is the disliked branch of
// Siren, from Y0 to Zn, and the layers of the polarity branch:
//
//   Y(0) = rows of the table, their first d columns          [n x d]
//   Y(l+1) = dropout(act(Y(l) W_l^T + b_l))
//   output = Y(layers)
//
// act is relu, but behind the last layer what LastLayer says. Without layers rows are copied.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "math/kernels.hpp"
#include "math/matrix.hpp"
#include "model/dense_tensors.hpp"
#include "model/dropout.hpp"
#include "model/shape.hpp"

namespace siren::inline model {

/// A linear one takes no dropout.
enum class LastLayer : std::uint8_t { kRelu, kLinear };

template <class Precision>
class Mlp {
 public:
  using Real = typename Precision::Real;

  Mlp(const DenseLayout& layout, LastLayer last, const Dropout& dropout,
      const Kernels<Precision>& kernels);

  int layers() const { return layout_.mlp_layers(); }

  /// Output of the needed rows of `table` [owned rows x at least d]. poll() runs between blocks on
  /// the main thread.
  void forward(const Pass<Real>& pass, const Matrix<Real>& table,
               const std::function<void()>& poll);

  /// [n x d], of the last forward.
  const Matrix<Real>& output() const { return activations_.back(); }

  /// Backward of that pass for a block of compact rows, from dL/doutput in those rows of d
  /// [n x d], which are overwritten, to dL/dY(0) in those of table_gradient [n x d]; tensor gradients
  /// are added to dense_gradient. Blocks are independent.
  void backward_block(const Pass<Real>& pass, const RowRange& block, Matrix<Real>& d,
                      Matrix<Real>& table_gradient, Real* dense_gradient) const;

 private:
  void forward_block(const Pass<Real>& pass, const Matrix<Real>& table, const RowRange& block);
  void activate(const Pass<Real>& pass, int layer, const RowRange& block, Real* y) const;
  void backward_activation(const Pass<Real>& pass, int layer, const RowRange& block, Real* d,
                           Real* bias_gradient) const;
  bool is_linear(int layer) const {
    return last_ == LastLayer::kLinear && layer == layout_.mlp_layers() - 1;
  }
  bool drops(const Pass<Real>& pass) const { return pass.mode.training && dropout_.active(); }

  const Kernels<Precision>& kernels_;
  DenseLayout layout_;
  LastLayer last_;
  Dropout dropout_;
  std::int64_t width_;
  std::vector<Matrix<Real>> activations_;  // Y(0) .. Y(layers), each [n x d]
  std::vector<Matrix<Real>> transposed_;   // W_l^T, of the last forward
};

}  // namespace siren::inline model
