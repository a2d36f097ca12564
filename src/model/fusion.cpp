// SPDX-License-Identifier: Apache-2.0
#include "siren/model/fusion.hpp"

#include <algorithm>
#include <cstring>

#include "siren/math/block_sum.hpp"

namespace siren {

template <class Precision>
Fusion<Precision>::Fusion(const ModelShape& shape, const Kernels<Precision>& kernels)
    : kernels_(kernels),
      layout_(shape),
      dropout_(shape.seed, shape.dropout),
      width_(padded(shape.dimension)),
      words_((width_ + 63) / 64),
      liked_{kAttentionLikedSite, Matrix<Real>(0, shape.dimension), {}, {}},
      disliked_{kAttentionDislikedSite, Matrix<Real>(0, shape.dimension), {}, {}},
      zp_(0, shape.dimension),
      transposed_(width_, width_) {}

template <class Precision>
void Fusion<Precision>::forward(const Matrix<Real>& zp_table, const Matrix<Real>& zn, const RowSet& needed, const Real* dense, const Mode& mode, Matrix<Real>& z) {
  const auto n = static_cast<std::size_t>(needed.size());
  zn_ = &zn;
  zp_.reserve_rows(needed.size());
  z.reserve_rows(needed.size());
  share_.resize(n);
  dropped_ = mode.training && dropout_.active();
  for (Side* side : {&liked_, &disliked_}) {
    if (!layout_.has_attention()) continue;
    side->hidden.reserve_rows(needed.size());
    side->mask.resize(n * static_cast<std::size_t>(words_));
    side->score.resize(n);
  }
  if (layout_.has_attention()) transpose(dense + layout_.attention_weight(), width_, transposed_.data());

  const std::size_t row_bytes = static_cast<std::size_t>(width_) * sizeof(Real);
  const std::vector<Real> even(static_cast<std::size_t>(kSumBlockRows), Real{0});  // equal scores: one half each
  parallel_blocks(needed.size(), kSumBlockRows, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) std::memcpy(zp_.row(i), zp_table.row(needed.row(i)), row_bytes);
    const Real* score_p = even.data();
    const Real* score_n = even.data();
    if (layout_.has_attention()) {
      score_block(liked_, zp_, needed, dense, mode, begin, end);
      score_block(disliked_, zn, needed, dense, mode, begin, end);
      score_p = liked_.score.data() + begin;
      score_n = disliked_.score.data() + begin;
    }
    kernels_.blend(zp_.row(begin), zn.row(begin), score_p, score_n, end - begin, width_, share_.data() + begin, z.row(begin));
  });
}

template <class Precision>
auto Fusion<Precision>::head(const Side& side, const Real* dense, std::int64_t begin) const -> ScoreHead<Real> {
  DropoutMask<Real> keep{nullptr, words_, Real{1}};
  if (dropped_) keep = {side.mask.data() + begin * words_, words_, static_cast<Real>(dropout_.scale())};
  return {dense + layout_.attention_bias(), dense + layout_.query(), width_, keep};
}

template <class Precision>
void Fusion<Precision>::score_block(Side& side, const Matrix<Real>& z, const RowSet& needed, const Real* dense, const Mode& mode, std::int64_t begin, std::int64_t end) {
  if (dropped_) dropout_.fill(side.site, mode.step, needed.nodes_of(begin, end), words_, side.mask.data() + begin * words_);
  kernels_.multiply({z.row(begin), width_, 1, transposed_.data(), width_, side.hidden.row(begin), width_, end - begin, width_, width_, false});
  kernels_.tanh_score(side.hidden.row(begin), end - begin, head(side, dense, begin), side.score.data() + begin);
}

template <class Precision>
void Fusion<Precision>::score_backward_block(Side& side, const Matrix<Real>& z, const Real* dense, const Real* ds, std::int64_t begin, std::int64_t end, Real* dz, Real* dense_gradient) {
  Real* hidden = side.hidden.row(begin);  // becomes dL/d(z W_a^T + b_a)
  kernels_.tanh_score_backward(hidden, ds, end - begin, head(side, dense, begin), dense_gradient + layout_.query(), dense_gradient + layout_.attention_bias());
  kernels_.multiply({hidden, 1, width_, z.row(begin), width_, dense_gradient + layout_.attention_weight(), width_, width_, end - begin, width_, true});
  kernels_.multiply({hidden, width_, 1, dense + layout_.attention_weight(), width_, dz, width_, end - begin, width_, width_, true});
}

template <class Precision>
void Fusion<Precision>::backward_block(std::int64_t begin, std::int64_t end, const RowSet& needed, const Real* dense, Matrix<Real>& d, Matrix<Real>& zp_gradient, Real* dense_gradient) {
  const std::int64_t rows = end - begin;
  Matrix<Real> dzp(rows, d.columns());
  std::vector<Real> ds(static_cast<std::size_t>(rows));
  kernels_.blend_backward(d.row(begin), zp_.row(begin), zn_->row(begin), share_.data() + begin, rows, width_, ds.data(), dzp.data(), d.row(begin));
  if (layout_.has_attention()) {
    score_backward_block(liked_, zp_, dense, ds.data(), begin, end, dzp.data(), dense_gradient);
    std::transform(ds.begin(), ds.end(), ds.begin(), [](Real x) { return -x; });
    score_backward_block(disliked_, *zn_, dense, ds.data(), begin, end, d.row(begin), dense_gradient);
  }
  const std::size_t row_bytes = static_cast<std::size_t>(width_) * sizeof(Real);
  for (std::int64_t i = 0; i < rows; ++i) std::memcpy(zp_gradient.row(needed.row(begin + i)), dzp.row(i), row_bytes);
}

template <class Precision>
std::int64_t Fusion<Precision>::bytes() const {
  return liked_.hidden.bytes() + disliked_.hidden.bytes() + zp_.bytes();
}

template class Fusion<Fp32>;
template class Fusion<Bf16>;
template class Fusion<Fp64>;

}  // namespace siren
