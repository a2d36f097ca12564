// SPDX-License-Identifier: Apache-2.0
// Softmax over the catalogue: the loss of a batch of users, each with all its weighted ratings,
// against every item (a multinomial likelihood, Liang et al., arXiv 1802.05814):
//
//   L = - sum_u sum_i w_ui [ z_ui - log sum_j exp z_uj ],   z_ui = <U_u, I_i> / t + a_i
//
// Where items were drawn to stand for the catalogue, with S draws of probabilities q_j, the inner sum
// is estimated (log-q correction): the user's own items count by themselves, and of the draws those
// that are not its own, each by the inverse of how often it is expected:
//
//   sum over own items of exp z_uj  +  sum over other draws of exp(z_uj) / (S q_j)
//
// Scores are products of a chunk of users and all items of this rank; a chunk is all of the users x
// items matrix that ever exists. What a user's logarithm needs from the items of other ranks is a
// maximum and a sum, combined by `Combine`:
//
//   chunk by chunk   scores, exp relative to the maxima here --combine maxima--> sums of exp
//                    --combine sums--> slopes
//                    dU += P I / t, dI += P^T U / t, da += P^T 1,   P = W_u softmax - w
//
// All sums have an order that neither threads nor chunks of threads change.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "math/grouping.hpp"
#include "math/kernels.hpp"
#include "math/matrix.hpp"

namespace siren::inline model {

/// The ratings of a batch's users of items that are scored here.
struct CatalogueBatch {
  std::span<const std::int64_t> offsets;  // [users + 1] into the two below
  std::span<const std::int32_t> items;    // rows of the item matrix
  std::span<const float> weights;         // w of each
  std::span<const double> totals;         // [users] W_u, the sum of all w of a user on all ranks
  std::span<const std::uint8_t> own;      // [users] whether its logarithm counts on this rank

  std::int64_t users() const { return std::ssize(totals); }
};

/// Over all ranks, by users of a chunk; each is called once a chunk.
struct Combine {
  std::function<void(std::span<double>)> largest;
  std::function<void(std::span<double>)> sum;  // in order of rank
};

/// The n items that are scored here, with their gradients, to which is added. `summed` of them, the
/// first ones, are scored for every user; others are rated by some. All are, without draws.
template <class Real>
struct CatalogueItems {
  std::int64_t count = 0;  // n
  std::int64_t summed = 0;
  const Real* rows = nullptr;    // [n x d]
  Real* row_gradient = nullptr;  // [n x d]
  std::span<const Real> bias;    // [n] a_i; empty: none
  std::span<Real> bias_gradient;
  std::span<const double> corrections;  // [summed] log(times drawn / (S q_j))
  bool drawn = false;                   // whether there were draws, here or elsewhere
};

template <class Precision>
class CatalogueLoss {
 public:
  using Real = typename Precision::Real;

  /// `temperature` t > 0; `chunk` users are scored at a time, the same number on every rank.
  CatalogueLoss(double temperature, std::int64_t chunk, const Kernels<Precision>& kernels)
      : temperature_(static_cast<Real>(temperature)),
        inverse_temperature_(static_cast<Real>(1.0 / temperature)),
        chunk_(chunk),
        kernels_(kernels) {}

  /// users [batch users x d] and items.rows are rows of Z, the same users on every rank. Assigns
  /// user_gradient [batch users x d], this rank's part. Returns L of the own users' logarithms and
  /// of the ratings here.
  double add(const CatalogueBatch& batch, const Matrix<Real>& users,
             const CatalogueItems<Real>& items, const Combine& combine,
             Matrix<Real>& user_gradient);

  /// Users of a chunk, if a rank has so many items: what bounds the memory of scores.
  static std::int64_t chunk_users(std::int64_t items);

 private:
  struct Chunk {
    std::int64_t begin, end;
    std::int64_t size() const { return end - begin; }
  };
  void pack(const CatalogueItems<Real>& items, std::int64_t stride);
  void score(const CatalogueBatch& batch, const Chunk& chunk, const Matrix<Real>& users,
             const CatalogueItems<Real>& items);
  static double sum_rated(const CatalogueBatch& batch, std::int64_t user, const Real* z);
  // of user `u` of the chunk whose first is `first`
  void exponentiate(const CatalogueBatch& batch, std::int64_t u, std::int64_t first);
  void take_slopes(const CatalogueBatch& batch, std::int64_t u, std::int64_t first);
  void add_user_gradients(const CatalogueBatch& batch, const Chunk& chunk,
                          const CatalogueItems<Real>& items, Matrix<Real>& gradient);
  void add_item_gradients(const Chunk& chunk, const Matrix<Real>& users,
                          const CatalogueItems<Real>& items);
  void add_bias_gradients(const Chunk& chunk, std::int64_t begin, std::int64_t end,
                          std::span<Real> gradient);

  // with draws: the own items of users, which are few, one by one
  void score_own(const CatalogueBatch& batch, std::int64_t u, std::int64_t first,
                 const Matrix<Real>& users, const CatalogueItems<Real>& items);
  void add_own_gradients(const CatalogueBatch& batch, const Chunk& chunk, const Matrix<Real>& users,
                         const CatalogueItems<Real>& items, Matrix<Real>& user_gradient);
  Real* scores_of(std::int64_t user) { return scores_.data() + user * columns_; }

  Real temperature_;
  Real inverse_temperature_;
  std::int64_t chunk_;
  const Kernels<Precision>& kernels_;
  std::int64_t count_ = 0;  // items that are summed over
  bool drawn_ = false;
  std::int64_t columns_ = 0;     // count_, padded
  std::int64_t block_ = 0;       // users taken by a thread at a time
  AlignedArray<Real> panels_;    // [panels][d][kPanel] items side by side
  AlignedArray<Real> shift_;     // [columns] a_i and corrections, -inf for padding
  AlignedArray<Real> scores_;    // [chunk x columns]
  std::vector<double> largest_;  // [chunk] over this rank, then over all
  std::vector<double> local_;    // [chunk] the former
  std::vector<double> sums_;     // [chunk] of exp(z - largest)
  std::vector<double> rated_;    // [chunk] sum of w z
  std::vector<Real> own_;        // [ratings] z, exp, then slope of own items
  Grouping by_item_;             // ratings of a chunk; likewise the three below
  std::vector<std::int32_t> rating_users_;
  std::vector<std::int32_t> item_users_;
  std::vector<Real> item_slopes_;
};

}  // namespace siren::inline model
