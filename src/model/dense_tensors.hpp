// SPDX-License-Identifier: Apache-2.0
// The replicated tensors of the model (or their gradients, or moments) in one contiguous array, so
// that one allreduce and one optimiser call serve them all.
//
//   W_l [d x d], b_l [d] for l = 0..mlp_layers-1;  W_a [d x d], b_a [d], q [d] with attention
//
// of Siren; those of the polarity branch are theta, then its W_l, b_l.
//
// Rows are padded like those of Matrix. W_l maps inputs to outputs as y = x W_l^T: W(out, in).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "math/matrix.hpp"
#include "model/shape.hpp"

namespace siren::inline model {

struct TensorInfo {
  std::string name;  // "mlp.0.weight", ..., "attention.query"
  std::int64_t rows;
  std::int64_t columns;
  std::int64_t begin;  // of its first row in the array
};

/// Where each tensor stands.
class DenseLayout {
 public:
  explicit DenseLayout(const ModelShape& shape);
  /// NAME.theta [cuts], then NAME.mlp.0.weight [d x d], ... of `mlp_layers` layers.
  DenseLayout(const std::string& name, std::int64_t cuts, std::int64_t dimension, int mlp_layers);

  std::int64_t size() const { return size_; }  // a multiple of kRowPadding
  std::int64_t dimension() const { return dimension_; }
  std::int64_t width() const { return padded(dimension_); }
  int mlp_layers() const { return mlp_layers_; }
  bool has_attention() const { return attention_; }
  std::span<const TensorInfo> tensors() const { return tensors_; }

  std::int64_t weight(int layer) const { return tensors_[first_layer_ + index(2 * layer)].begin; }
  std::int64_t bias(int layer) const { return tensors_[first_layer_ + index(2 * layer + 1)].begin; }
  std::int64_t attention_weight() const { return tensors_[index(2 * mlp_layers_)].begin; }
  std::int64_t attention_bias() const { return tensors_[index(2 * mlp_layers_ + 1)].begin; }
  std::int64_t query() const { return tensors_[index(2 * mlp_layers_ + 2)].begin; }

 private:
  static std::size_t index(int i) { return static_cast<std::size_t>(i); }
  void add_layers(const std::string& prefix);
  void add_matrix(std::string name);
  void add_vector(std::string name, std::int64_t columns);

  std::int64_t dimension_;
  int mlp_layers_;
  bool attention_;
  std::size_t first_layer_ = 0;  // its weight's number
  std::int64_t size_ = 0;
  std::vector<TensorInfo> tensors_;
};

/// out [columns x rows] = transpose of in [rows x columns], both with stride `width`.
template <class Real>
void transpose(const Real* in, std::int64_t width, Real* out) {
  for (std::int64_t r = 0; r < width; ++r)
    for (std::int64_t c = 0; c < width; ++c) out[c * width + r] = in[r * width + c];
}

}  // namespace siren::inline model
