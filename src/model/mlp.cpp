// SPDX-License-Identifier: Apache-2.0
#include "model/mlp.hpp"

#include <algorithm>
#include <utility>

#include "math/block_sum.hpp"
#include "math/matrix.hpp"
#include "math/row_copy.hpp"

namespace siren::inline model {

namespace {

struct MaskOfBlock {};
struct GradientOfBlock {};

}  // namespace

template <class Precision>
Mlp<Precision>::Mlp(const DenseLayout& layout, LastLayer last, const Dropout& dropout,
                    const Kernels<Precision>& kernels)
    : kernels_(kernels), layout_(layout), last_(last), dropout_(dropout), width_(layout.width()) {
  for (int layer = 0; layer <= layout_.mlp_layers(); ++layer)
    activations_.emplace_back(0, layout_.dimension());
  for (int layer = 0; layer < layout_.mlp_layers(); ++layer)
    transposed_.emplace_back(width_, width_);
}

template <class Precision>
void Mlp<Precision>::forward(const Pass<Real>& pass, const Matrix<Real>& table,
                             const std::function<void()>& poll) {
  for (Matrix<Real>& y : activations_) y.reserve_rows(pass.needed.size());
  for (int layer = 0; layer < layout_.mlp_layers(); ++layer)
    transpose(pass.dense + layout_.weight(layer), width_,
              transposed_[static_cast<std::size_t>(layer)].data());
  parallel_blocks(
      pass.needed.size(), kSumBlockRows,
      [&](std::int64_t begin, std::int64_t end) {
        forward_block(pass, table, {begin, end});
      },
      poll);
}

template <class Precision>
void Mlp<Precision>::forward_block(const Pass<Real>& pass, const Matrix<Real>& table,
                                   const RowRange& block) {
  gather_rows(table, pass.needed.rows_of(block.begin, block.end), layout_.dimension(),
              activations_[0].row(block.begin));
  for (int layer = 0; layer < layout_.mlp_layers(); ++layer) {
    const auto l = static_cast<std::size_t>(layer);
    Real* out = activations_[l + 1].row(block.begin);
    kernels_.multiply({activations_[l].row(block.begin), width_, 1, transposed_[l].data(), width_,
                       out, width_, block.size(), width_, width_, false});
    activate(pass, layer, block, out);
  }
}

/// The block's rows y [rows x d] become dropout(act(y + b)).
template <class Precision>
void Mlp<Precision>::activate(const Pass<Real>& pass, int layer, const RowRange& block,
                              Real* y) const {
  const Real* const bias = pass.dense + layout_.bias(layer);
  if (is_linear(layer)) {
    for (std::int64_t r = 0; r < block.size(); ++r, y += width_)
      for (std::int64_t c = 0; c < width_; ++c) y[c] += bias[c];
    return;
  }
  const std::int64_t words = (width_ + 63) / 64;
  DropoutMask<Real> keep{nullptr, words, Real{1}};
  if (drops(pass)) {
    auto* const mask = scratch<MaskOfBlock, std::uint64_t>(block.size() * words);
    dropout_.fill(static_cast<std::uint32_t>(layer), pass.mode.step,
                  pass.needed.nodes_of(block.begin, block.end), words, mask);
    keep = {mask, words, static_cast<Real>(dropout_.scale())};
  }
  kernels_.relu_dropout(y, bias, block.size(), width_, keep);
}

template <class Precision>
void Mlp<Precision>::backward_block(const Pass<Real>& pass, const RowRange& block, Matrix<Real>& d,
                                    Matrix<Real>& table_gradient, Real* dense_gradient) const {
  const std::int64_t rows = block.size();
  Real* gradient = d.row(block.begin);
  if (layout_.mlp_layers() == 0)
    std::copy_n(gradient, rows * width_, table_gradient.row(block.begin));
  Real* other = scratch<GradientOfBlock, Real>(rows * width_);
  for (int layer = layout_.mlp_layers() - 1; layer >= 0; --layer) {
    const auto l = static_cast<std::size_t>(layer);
    Real* const input_gradient = layer == 0 ? table_gradient.row(block.begin) : other;
    backward_activation(pass, layer, block, gradient, dense_gradient + layout_.bias(layer));
    // dW [out x in] += d^T Y(l);  dY(l) = d W
    kernels_.multiply({gradient, 1, width_, activations_[l].row(block.begin), width_,
                       dense_gradient + layout_.weight(layer), width_, width_, rows, width_, true});
    kernels_.multiply({gradient, width_, 1, pass.dense + layout_.weight(layer), width_,
                       input_gradient, width_, rows, width_, width_, false});
    other = std::exchange(gradient, input_gradient);
  }
}

/// From the gradient d [rows x d] of what activate() made to that of what it was given.
template <class Precision>
void Mlp<Precision>::backward_activation(const Pass<Real>& pass, int layer, const RowRange& block,
                                         Real* d, Real* bias_gradient) const {
  if (is_linear(layer)) {
    for (std::int64_t r = 0; r < block.size(); ++r, d += width_)
      for (std::int64_t c = 0; c < width_; ++c) bias_gradient[c] += d[c];
    return;
  }
  const Real scale = drops(pass) ? static_cast<Real>(dropout_.scale()) : Real{1};
  const Matrix<Real>& y = activations_[static_cast<std::size_t>(layer) + 1];
  kernels_.relu_dropout_backward(y.row(block.begin), d, block.size(), width_, scale, bias_gradient);
}

template class Mlp<Fp32>;
template class Mlp<Bf16>;
template class Mlp<Fp64>;

}  // namespace siren::inline model
