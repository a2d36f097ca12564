// SPDX-License-Identifier: Apache-2.0
// The polarity branch of the factored model: whether a user who engages with an item likes it. An
// ordinal model (cumulative logits) of the levels of ratings (data/rating_cuts.hpp):
//
//   f_ui = b_u + b_i + <Q_u, Q_i>,   P(rating > cut k | engaged) = sigma(f - theta_k)
//
// Q = Q(0) are rows of a table, or with layers what an MLP makes of them row by row (model/mlp.hpp).
// theta ascends: theta_1 is learnt, and delta_k of theta_k+1 = theta_k + exp(delta_k). The loss of a
// rating is the logistic loss at its only cut, or twice the mean over its cuts; a rating equal to the
// offset has no part in the cut that is the offset. No gradient leaves the branch.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data/rating_cuts.hpp"
#include "math/grouping.hpp"
#include "math/kernels.hpp"
#include "math/matrix.hpp"
#include "model/mlp.hpp"
#include "model/parameter_set.hpp"

namespace siren::inline model {

/// A table "polarity" [rows x (d_p + 1)] of Q(0) and, last, b; a vector "polarity.theta" [cuts] of
/// theta_1 and deltas, which the replicated tensors begin with; "polarity.mlp.0.weight", ...
ParameterLayout polarity_layout(std::int64_t dimension, std::int64_t cuts, int layers);

/// The layers of that layout, whose last is linear: with a relu there <Q_u, Q_i> could not be
/// negative, which would say that an item is not for this user.
template <class Precision>
Mlp<Precision> polarity_mlp(const ParameterLayout& layout, const Kernels<Precision>& kernels) {
  return {layout.dense, LastLayer::kLinear, Dropout(0, 0.0, kernels.random_words), kernels};
}

/// theta [cuts] from what is learnt, and what theta is learnt from that is given.
std::vector<double> thetas(std::span<const float> learnt);
std::vector<double> thetas(std::span<const double> learnt);
/// Such that the model without Q and b gives each cut its share; ascending in any case.
std::vector<double> initial_thetas(const RatingCuts& cuts);

/// Added to the level of a rating that is equal to the offset.
inline constexpr std::int8_t kNeutralMark = 16;

struct PolarityBatch {
  std::span<const std::int32_t> user;  // [n] rows of the user matrix, those of a user side by side
  std::span<const std::int32_t> slot;  // [n] rows of the item matrix
  std::span<const std::int8_t> mark;   // [n] level, plus kNeutralMark
};

template <class Real>
struct PolarityGradients {
  Matrix<Real>& users;      // [u x (d_p + 2)]
  Matrix<Real>& items;      // [slots x (d_p + 2)]
  std::span<double> theta;  // [cuts]
};

/// Rows are extended so that f is their product: users' are [Q_u, b_u, 1], items' [Q_i, 1, b_i].
/// Where a gradient would stand for the 1 is the number of the row's ratings instead.
template <class Precision>
class PolarityLoss {
 public:
  using Real = typename Precision::Real;
  using Stored = typename Precision::Stored;

  PolarityLoss(std::int64_t cuts, std::int32_t offset_cut, const Kernels<Precision>& kernels)
      : cuts_(cuts), offset_cut_(offset_cut), kernels_(kernels) {}

  /// users [u x (d_p + 2)] and items [slots x (d_p + 2)] extended. Assigns the gradients of the
  /// batch's users, of all items and of theta. Returns the sum of the losses.
  double add(const PolarityBatch& batch, std::span<const double> theta, const Matrix<Real>& users,
             const Matrix<Stored>& items, const PolarityGradients<Real>& gradients);

 private:
  void take_slopes(const PolarityBatch& batch, std::span<const double> theta,
                   const Matrix<Real>& users, const Matrix<Stored>& items);
  void score(const PolarityBatch& batch, std::int64_t begin, std::int64_t end,
             const Matrix<Real>& users, const Matrix<Stored>& items);
  Real weigh(std::int8_t mark, std::int64_t at);
  double sum_losses(std::span<double> theta_gradient) const;
  void add_user_gradients(const PolarityBatch& batch, const Matrix<Stored>& items,
                          Matrix<Real>& gradient);
  void add_item_gradients(const PolarityBatch& batch, const Matrix<Real>& users,
                          Matrix<Real>& gradient);

  std::int64_t cuts_;
  std::int32_t offset_cut_;
  const Kernels<Precision>& kernels_;
  std::vector<Real> theta_;             // [cuts]
  std::vector<Real> losses_;            // [n x cuts]
  std::vector<Real> cut_slopes_;        // [n x cuts] d loss / d f
  std::vector<Real> slopes_;            // [n] f, then d loss / d f
  std::vector<std::int64_t> segments_;  // begins of users, and the end
  Grouping by_slot_;                    // ratings; likewise the two below
  std::vector<std::int32_t> slot_users_;
  std::vector<Real> slot_slopes_;
};

}  // namespace siren::inline model
