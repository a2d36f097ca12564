// SPDX-License-Identifier: Apache-2.0
// Initial values, each a pure function of (seed, tensor, global row, column).
//
//   X0, Y0   normal with the Xavier deviation of the whole table: sqrt(2 / ((M + N) + d))
//   W        normal, sqrt(2 / (d + d))
//   b, q     uniform in +-1 / sqrt(d)
#pragma once

#include <span>

#include "core/rng.hpp"
#include "math/matrix.hpp"
#include "model/dense_tensors.hpp"

namespace siren::inline model {

/// The rows of `nodes` [table.rows()] in a table of all nodes; purpose is kInitLiked or
/// kInitDisliked.
template <class Real>
void initialise_table(const ModelShape& shape, Purpose purpose, std::span<const NodeId> nodes,
                      Matrix<Real>& table);

/// Likewise the first `columns`, normally distributed with that deviation.
template <class Real>
void initialise_rows(std::uint32_t seed, Purpose purpose, double deviation,
                     std::span<const NodeId> nodes, std::int64_t columns, Matrix<Real>& table);

/// The weights of an MLP of the polarity branch, like those of Siren; all else stays.
template <class Real>
void initialise_polarity_layers(std::uint32_t seed, const DenseLayout& layout,
                                std::span<Real> values);

/// All replicated tensors of Siren; `values` [layout.size()].
template <class Real>
void initialise_dense(const ModelShape& shape, const DenseLayout& layout, std::span<Real> values);

}  // namespace siren::inline model
