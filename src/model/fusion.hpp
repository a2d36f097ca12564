// SPDX-License-Identifier: Apache-2.0
// Blends the two branches row by row. For each branch b in {p, n}, with shared W_a, b_a, q:
//
//   h_b = tanh(z_b W_a^T + b_a)             s_b = q . dropout(h_b)
//   alpha = softmax(s_p, s_n)               z = alpha_p z_p + alpha_n z_n
//
// Without attention both weights are 1/2.
#pragma once

#include <cstdint>
#include <vector>

#include "math/kernels.hpp"
#include "math/matrix.hpp"
#include "model/dense_tensors.hpp"
#include "model/dropout.hpp"
#include "model/shape.hpp"

namespace siren::inline model {

template <class Precision>
class Fusion {
 public:
  using Real = typename Precision::Real;

  Fusion(const ModelShape& shape, const Kernels<Precision>& kernels);

  /// z [n x d] from zp and zn [n x d], which are borrowed until the backward is done.
  void forward(const Pass<Real>& pass, const Real* zp, const Real* zn, Matrix<Real>& z);

  /// Backward of that pass for a block of compact rows. d [n x d] holds dL/dz there and receives
  /// dL/dzn, zp_gradient [n x d] dL/dzp; tensor gradients are added to dense_gradient. Blocks are
  /// independent.
  void backward_block(const Pass<Real>& pass, const RowRange& block, Matrix<Real>& d,
                      Matrix<Real>& zp_gradient, Real* dense_gradient);

 private:
  /// One branch's side of the attention.
  struct Side {
    std::uint32_t site;
    const Real* z = nullptr;          // of the branch [n x d]
    Matrix<Real> hidden;              // tanh(...) [n x d]
    std::vector<std::uint64_t> mask;  // [n x words]
    std::vector<Real> score;          // [n]
  };
  void prepare(const Pass<Real>& pass, Side& side, const Real* z) const;
  bool drops(const Pass<Real>& pass) const { return pass.mode.training && dropout_.active(); }
  ScoreHead<Real> head(const Pass<Real>& pass, const Side& side, std::int64_t begin) const;
  void score_block(const Pass<Real>& pass, const RowRange& block, Side& side);
  /// From ds = dL/dscore of the block; adds to dz [block x d] and dense_gradient.
  void score_backward_block(const Pass<Real>& pass, const RowRange& block, Side& side,
                            const Real* ds, Real* dz, Real* dense_gradient);

  const Kernels<Precision>& kernels_;
  DenseLayout layout_;
  Dropout dropout_;
  std::int64_t width_;
  std::int64_t words_;
  Side liked_;
  Side disliked_;
  std::vector<Real> share_;  // alpha_p [n]
  Matrix<Real> transposed_;  // W_a^T
};

}  // namespace siren::inline model
