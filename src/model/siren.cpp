// SPDX-License-Identifier: Apache-2.0
#include "model/siren.hpp"

#include <algorithm>
#include <cmath>

#include "math/parallel.hpp"
#include "model/initialise.hpp"
#include "siren/ids.hpp"

namespace siren::inline model {

namespace {

constexpr std::int64_t kEvaluationRows = 16384;  // rows embedded at once outside training
constexpr std::int64_t kRowsPerTile = 256;

}  // namespace

ParameterLayout parameter_layout(const ModelShape& shape) {
  ParameterLayout layout{{{"liked", shape.dimension, GradientRows::kAll}}, DenseLayout(shape)};
  if (shape.disliked_branch)
    layout.tables.push_back({"disliked", shape.dimension, GradientRows::kNeeded});
  if (shape.item_bias) layout.tables.push_back({"item_bias", 1, GradientRows::kAll});
  return layout;
}

template <class Precision>
Siren<Precision>::Siren(const ModelShape& shape, std::int64_t rows,
                        const Kernels<Precision>& kernels)
    : shape_(shape),
      layout_(parameter_layout(shape)),
      parameters_(layout_, rows),
      disliked_(layout_.dense, LastLayer::kRelu,
                Dropout(shape.seed, shape.dropout, kernels.random_words), kernels),
      fusion_(shape, kernels),
      dense_sum_(layout_.dense.size()),
      z_(0, shape.dimension) {}

template <class Precision>
Siren<Precision>::Siren(const ModelShape& shape, std::span<const NodeId> nodes,
                        const Kernels<Precision>& kernels)
    : Siren(shape, std::ssize(nodes), kernels) {
  initialise_table(shape, Purpose::kInitLiked, nodes, parameters_.tables[kLiked]);
  if (!shape.disliked_branch) return;
  initialise_table(shape, Purpose::kInitDisliked, nodes, parameters_.tables[kDisliked]);
  initialise_dense(shape, layout_.dense, parameters_.dense.span());
}

template <class Precision>
void Siren<Precision>::embed_disliked(const RowSet& needed, const Mode& mode,
                                      const std::function<void()>& poll) {
  if (shape_.disliked_branch)
    disliked_.forward(pass_of(needed, mode), parameters_.tables[kDisliked], poll);
}

template <class Precision>
auto Siren<Precision>::fuse(const Real* zp, const RowSet& needed, const Mode& mode)
    -> const Matrix<Real>& {
  if (shape_.disliked_branch) {
    fusion_.forward(pass_of(needed, mode), zp, disliked_.output().data(), z_);
  } else {
    z_.reserve_rows(needed.size());
    std::copy_n(zp, needed.size() * z_.stride(), z_.data());
  }
  if (shape_.cosine) divide_by_length(needed.size());
  return z_;
}

template <class Precision>
void Siren<Precision>::divide_by_length(std::int64_t rows) {
  inverse_length_.resize(as_index(rows));
  parallel_blocks(rows, kRowsPerTile, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; ++r) {
      double squares = 0.0;
      for (const Real x : z_.row_values(r)) squares += double{x} * double{x};
      const double inverse = squares > 0.0 ? 1.0 / std::sqrt(squares) : 0.0;
      for (std::int64_t c = 0; c < z_.columns(); ++c)
        z_(r, c) = static_cast<Real>(inverse * double{z_(r, c)});
      inverse_length_[as_index(r)] = inverse;
    }
  });
}

/// From dL/dZ of z = y / |y| to dL/dy = (dz - <dz, z> z) / |y|; 0 where y is.
template <class Precision>
void Siren<Precision>::project(Matrix<Real>& dz, std::int64_t rows) const {
  parallel_blocks(rows, kRowsPerTile, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; ++r) {
      double along = 0.0;
      for (std::int64_t c = 0; c < z_.columns(); ++c) along += double{dz(r, c)} * double{z_(r, c)};
      for (std::int64_t c = 0; c < z_.columns(); ++c)
        dz(r, c) = static_cast<Real>(inverse_length_[as_index(r)] *
                                     (double{dz(r, c)} - along * double{z_(r, c)}));
    }
  });
}

template <class Precision>
void Siren<Precision>::backward(const RowSet& needed, const Mode& mode, Matrix<Real>& dz,
                                Matrix<Real>& dzp, Gradients<Real>& gradients,
                                const std::function<void()>& poll) {
  dzp.reserve_rows(needed.size());
  if (shape_.cosine) project(dz, needed.size());
  if (!shape_.disliked_branch) {
    std::copy_n(dz.data(), needed.size() * dz.stride(), dzp.data());
    return;
  }
  Matrix<Real>& dy0 = gradients.tables[kDisliked];
  dy0.reserve_rows(needed.size());
  std::fill_n(gradients.dense.data(), gradients.dense.size(), Real{0});
  const Pass<Real> pass = pass_of(needed, mode);
  dense_sum_.add(
      needed.size(), gradients.dense.data(),
      [&](std::int64_t begin, std::int64_t end, Real* dense_gradient) {
        fusion_.backward_block(pass, {begin, end}, dz, dzp, dense_gradient);
        disliked_.backward_block(pass, {begin, end}, dz, dy0, dense_gradient);
      },
      poll);
}

template <class Precision>
void Siren<Precision>::embed_all(const Matrix<Real>& zp, std::span<const NodeId> nodes,
                                 const VisitRows& visit) {
  RowSet rows;
  for (std::int64_t begin = 0; begin < zp.rows(); begin += kEvaluationRows) {
    const std::int64_t end = std::min(begin + kEvaluationRows, zp.rows());
    rows.rows.clear();
    for (std::int64_t r = begin; r < end; ++r) rows.rows.push_back(static_cast<LocalRow>(r));
    rows.nodes.assign(nodes.begin() + begin, nodes.begin() + end);
    embed_disliked(rows, {}, [] {});
    const Matrix<Real>& z = fuse(zp.row(begin), rows, {});
    visit(begin, z, disliked_.output());
  }
}

template class Siren<Fp32>;
template class Siren<Bf16>;
template class Siren<Fp64>;

}  // namespace siren::inline model
