// SPDX-License-Identifier: Apache-2.0
// The sign-aware BPR loss of a chunk of ratings and its gradient with respect to the rows of Z.
//
//   x_k = c r(u, i) - r(u, j_k),  c = 1 for liked, dislike_factor for disliked ratings
//   L = sum_k -log sigma(x_k) + reg (|Z_u|^2 + |Z_i|^2 + sum_k |Z_jk|^2)
//
// summed over ratings. With g_k = dL/dx_k = -sigma(-x_k) a rating is one row of a small sparse
// matrix G with coefficient c sum_k g_k for item i and -g_k for j_k, and then dZ_users = G Z_items,
// dZ_items = G^T Z_users: both are sums over segments in a fixed order, without atomics.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "math/kernels.hpp"
#include "math/matrix.hpp"

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
  double loss = 0.0;  // sum of -log sigma terms
  double reg = 0.0;   // reg times the squared norms
};

template <class Precision>
class SignBprLoss {
 public:
  using Real = typename Precision::Real;
  using Stored = typename Precision::Stored;

  struct Factors {
    double dislike_factor;
    double reg;
    int negatives;  // K
  };

  SignBprLoss(const Factors& factors, const Kernels<Precision>& kernels);

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

  Factors factors_;
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
