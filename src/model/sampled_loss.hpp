// SPDX-License-Identifier: Apache-2.0
// The loss of ratings with K sampled negatives each, and its gradient with respect to the rows of Z:
// scores by kernels, loss and slopes by a LossTerm, then the slopes applied to the rows.
//
//   L = sum over ratings of  LossTerm(r(u, i), r(u, j_1), ..., r(u, j_K))
//                            + reg (|Z_u|^2 + |Z_i|^2 + sum_k |Z_jk|^2)
//
// The slopes of a rating are a row of a small sparse matrix G [ratings x slots], so that
// dZ_users = G Z_items, dZ_items = G^T Z_users: both are sums over segments in a fixed order,
// without atomics.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "math/kernels.hpp"
#include "math/matrix.hpp"
#include "model/loss_term.hpp"

namespace siren::inline model {

inline constexpr std::int32_t kNoSlot = -1;

/// Ratings of one chunk, sorted by user.
struct LossChunk {
  std::span<const std::int32_t> user;   // [n] row in the compact matrix of this rank's needed rows;
                                        // any row for a rating without any term
  std::span<const std::int8_t> sign;    // [n] +1 or -1
  std::span<const std::int32_t> slots;  // [n x (1 + K)] row in the item matrix: i, j_1, ..., j_K;
                                        // the first is kNoSlot for a rating without any term
  bool first = true;                    // of its batch
};

struct LossSum {
  double loss = 0.0;  // sum of the terms
  double reg = 0.0;   // reg times the squared norms
};

template <class Precision>
class SampledLoss {
 public:
  using Real = typename Precision::Real;
  using Stored = typename Precision::Stored;

  SampledLoss(std::unique_ptr<LossTerm<Real>> term, int negatives, double reg,
              const Kernels<Precision>& kernels);

  /// users [needed rows x d] and items [slots x d] are rows of Z; the gradients of L are added to
  /// the rows of user_gradient [needed rows x d] and item_gradient [slots x d]. The first chunk of
  /// a batch assigns the latter.
  LossSum add(const LossChunk& chunk, const Matrix<Real>& users, const Matrix<Stored>& items,
              Matrix<Real>& user_gradient, Matrix<Real>& item_gradient);

 private:
  struct Segment {
    std::int64_t begin, end;  // ratings of one user in the chunk
  };
  void score(const LossChunk& chunk, const Matrix<Real>& users, const Matrix<Stored>& items);
  /// Turns G around by counting. Threads share the ratings; their pieces follow one another in
  /// every segment, so that it has the order of the ratings, however many they are.
  void sort_by_slot(const LossChunk& chunk, std::int64_t slots);
  void add_user_gradients(const LossChunk& chunk, const Matrix<Real>& users,
                          const Matrix<Stored>& items, Matrix<Real>& gradient);
  void add_item_gradients(const Matrix<Real>& users, const Matrix<Stored>& items, bool first,
                          Matrix<Real>& gradient);

  std::unique_ptr<LossTerm<Real>> term_;
  int negatives_;  // K
  double reg_;
  const Kernels<Precision>& kernels_;
  std::vector<Real> coefficients_;      // G, [n x (1 + K)]
  std::vector<double> loss_of_rating_;  // [n]
  std::vector<double> reg_of_user_;     // [segments]
  std::vector<double> reg_of_slot_;     // [slots]
  std::vector<Segment> segments_;
  std::vector<std::int32_t> slot_offsets_;  // [slots + 1] entries of G^T
  std::vector<std::int32_t> slot_next_;     // [pieces x slots] where a piece's next entry goes
  std::vector<std::int32_t> slot_users_;    // their users ...
  std::vector<Real> slot_coefficients_;     // ... and coefficients
};

}  // namespace siren::inline model
