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

#include "siren/graph/row_set.hpp"
#include "siren/math/kernels.hpp"
#include "siren/math/matrix.hpp"
#include "siren/model/dense_tensors.hpp"
#include "siren/model/dropout.hpp"

namespace siren {

template <class Precision>
class Fusion {
 public:
  using Real = typename Precision::Real;

  Fusion(const ModelShape& shape, const Kernels<Precision>& kernels);

  /// z [n x d] from the rows `needed` of zp_table [owned rows x d] and from zn [n x d] (compact).
  void forward(const Matrix<Real>& zp_table, const Matrix<Real>& zn, const RowSet& needed, const Real* dense, const Mode& mode, Matrix<Real>& z);

  /// Backward for compact rows [begin, end). d [n x d] holds dL/dz there and receives dL/dzn; rows of
  /// zp_gradient [owned rows x d] receive dL/dzp. Blocks are independent.
  void backward_block(std::int64_t begin, std::int64_t end, const RowSet& needed, const Real* dense, Matrix<Real>& d, Matrix<Real>& zp_gradient, Real* dense_gradient);

  std::int64_t bytes() const;

 private:
  /// One branch's side of the attention.
  struct Side {
    std::uint32_t site;
    Matrix<Real> hidden;               // tanh(...) [n x d]
    std::vector<std::uint64_t> mask;   // [n x words]
    std::vector<Real> score;           // [n]
  };
  ScoreHead<Real> head(const Side& side, const Real* dense, std::int64_t begin) const;
  void score_block(Side& side, const Matrix<Real>& z, const RowSet& needed, const Real* dense, const Mode& mode, std::int64_t begin, std::int64_t end);
  void score_backward_block(Side& side, const Matrix<Real>& z, const Real* dense, const Real* ds, std::int64_t begin, std::int64_t end, Real* dz, Real* dense_gradient);

  const Kernels<Precision>& kernels_;
  DenseLayout layout_;
  Dropout dropout_;
  std::int64_t width_;
  std::int64_t words_;
  Side liked_;
  Side disliked_;
  Matrix<Real> zp_;                   // compact copy [n x d]
  const Matrix<Real>* zn_ = nullptr;  // of the last forward
  std::vector<Real> share_;           // alpha_p [n]
  Matrix<Real> transposed_;           // W_a^T
  bool dropped_ = false;
};

}  // namespace siren
