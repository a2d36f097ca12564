// SPDX-License-Identifier: Apache-2.0
#include "model/fusion.hpp"

#include <algorithm>

#include "math/block_sum.hpp"
#include "math/matrix.hpp"

namespace siren::inline model {

namespace {

struct ScoreGradientOfBlock {};

}  // namespace

template <class Precision>
Fusion<Precision>::Fusion(const ModelShape& shape, const Kernels<Precision>& kernels)
    : kernels_(kernels),
      layout_(shape),
      dropout_(shape.seed, shape.dropout, kernels.random_words),
      width_(padded(shape.dimension)),
      words_((width_ + 63) / 64),
      liked_{kAttentionLikedSite, nullptr, Matrix<Real>(0, shape.dimension), {}, {}},
      disliked_{kAttentionDislikedSite, nullptr, Matrix<Real>(0, shape.dimension), {}, {}},
      transposed_(width_, width_) {}

template <class Precision>
void Fusion<Precision>::prepare(const Pass<Real>& pass, Side& side, const Real* z) const {
  side.z = z;
  if (!layout_.has_attention()) return;
  const auto n = static_cast<std::size_t>(pass.needed.size());
  side.hidden.reserve_rows(pass.needed.size());
  side.mask.resize(n * static_cast<std::size_t>(words_));
  side.score.resize(n);
}

template <class Precision>
void Fusion<Precision>::forward(const Pass<Real>& pass, const Real* zp, const Real* zn,
                                Matrix<Real>& z) {
  z.reserve_rows(pass.needed.size());
  share_.resize(static_cast<std::size_t>(pass.needed.size()));
  prepare(pass, liked_, zp);
  prepare(pass, disliked_, zn);
  if (layout_.has_attention())
    transpose(pass.dense + layout_.attention_weight(), width_, transposed_.data());

  const std::vector<Real> even(static_cast<std::size_t>(kSumBlockRows),
                               Real{0});  // equal scores: one half each
  parallel_blocks(pass.needed.size(), kSumBlockRows, [&](std::int64_t begin, std::int64_t end) {
    const Real* score_p = even.data();
    const Real* score_n = even.data();
    if (layout_.has_attention()) {
      score_block(pass, {begin, end}, liked_);
      score_block(pass, {begin, end}, disliked_);
      score_p = liked_.score.data() + begin;
      score_n = disliked_.score.data() + begin;
    }
    kernels_.blend({zp + begin * width_, zn + begin * width_, end - begin, width_}, score_p,
                   score_n, share_.data() + begin, z.row(begin));
  });
}

template <class Precision>
auto Fusion<Precision>::head(const Pass<Real>& pass, const Side& side, std::int64_t begin) const
    -> ScoreHead<Real> {
  DropoutMask<Real> keep{nullptr, words_, Real{1}};
  if (drops(pass))
    keep = {side.mask.data() + begin * words_, words_, static_cast<Real>(dropout_.scale())};
  return {pass.dense + layout_.attention_bias(), pass.dense + layout_.query(), width_, keep};
}

template <class Precision>
void Fusion<Precision>::score_block(const Pass<Real>& pass, const RowRange& block, Side& side) {
  if (drops(pass))
    dropout_.fill(side.site, pass.mode.step, pass.needed.nodes_of(block.begin, block.end), words_,
                  side.mask.data() + block.begin * words_);
  Real* hidden = side.hidden.row(block.begin);
  kernels_.multiply({side.z + block.begin * width_, width_, 1, transposed_.data(), width_, hidden,
                     width_, block.size(), width_, width_, false});
  kernels_.tanh_score(hidden, block.size(), head(pass, side, block.begin),
                      side.score.data() + block.begin);
}

template <class Precision>
void Fusion<Precision>::score_backward_block(const Pass<Real>& pass, const RowRange& block,
                                             Side& side, const Real* ds, Real* dz,
                                             Real* dense_gradient) {
  Real* hidden = side.hidden.row(block.begin);  // becomes dL/d(z W_a^T + b_a)
  kernels_.tanh_score_backward(hidden, ds, block.size(), head(pass, side, block.begin),
                               dense_gradient + layout_.query(),
                               dense_gradient + layout_.attention_bias());
  kernels_.multiply({hidden, 1, width_, side.z + block.begin * width_, width_,
                     dense_gradient + layout_.attention_weight(), width_, width_, block.size(),
                     width_, true});
  kernels_.multiply({hidden, width_, 1, pass.dense + layout_.attention_weight(), width_, dz, width_,
                     block.size(), width_, width_, true});
}

template <class Precision>
void Fusion<Precision>::backward_block(const Pass<Real>& pass, const RowRange& block,
                                       Matrix<Real>& d, Matrix<Real>& zp_gradient,
                                       Real* dense_gradient) {
  const std::int64_t first = block.begin * width_;
  const BranchRows<Real> branches{liked_.z + first, disliked_.z + first, block.size(), width_};
  Real* const dzp = zp_gradient.row(block.begin);
  Real* const ds = scratch<ScoreGradientOfBlock, Real>(block.size());
  Real* const dzn = d.row(block.begin);
  kernels_.blend_backward(branches, share_.data() + block.begin, dzn, ds, dzp, dzn);
  if (layout_.has_attention()) {
    score_backward_block(pass, block, liked_, ds, dzp, dense_gradient);
    std::transform(ds, ds + block.size(), ds, [](Real x) { return -x; });
    score_backward_block(pass, block, disliked_, ds, dzn, dense_gradient);
  }
}

template class Fusion<Fp32>;
template class Fusion<Bf16>;
template class Fusion<Fp64>;

}  // namespace siren::inline model
