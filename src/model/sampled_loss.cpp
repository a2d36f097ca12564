// SPDX-License-Identifier: Apache-2.0
#include "model/sampled_loss.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "math/parallel.hpp"
#include "siren/ids.hpp"

namespace siren::inline model {

namespace {

constexpr std::int64_t kRatingsPerTile = 16;
constexpr std::int64_t kSlotsPerTile = 64;

double sum(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

}  // namespace

template <class Precision>
SampledLoss<Precision>::SampledLoss(std::unique_ptr<LossTerm<Real>> term, int negatives, double reg,
                                    const Kernels<Precision>& kernels)
    : term_(std::move(term)), negatives_(negatives), reg_(reg), kernels_(kernels) {}

template <class Precision>
LossSum SampledLoss<Precision>::add(const LossChunk& chunk, const Matrix<Real>& users,
                                    const Matrix<Stored>& items, Matrix<Real>& user_gradient,
                                    Matrix<Real>& item_gradient) {
  score(chunk, users, items);
  sort_by_slot(chunk, items.rows());
  add_user_gradients(chunk, users, items, user_gradient);
  add_item_gradients(users, items, chunk.first, item_gradient);
  return {sum(loss_of_rating_), reg_ * (sum(reg_of_user_) + sum(reg_of_slot_))};
}

template <class Precision>
void SampledLoss<Precision>::score(const LossChunk& chunk, const Matrix<Real>& users,
                                   const Matrix<Stored>& items) {
  const auto ratings = static_cast<std::int64_t>(chunk.user.size());
  const std::int64_t per_rating = negatives_ + 1;
  coefficients_.resize(as_index(ratings * per_rating));
  loss_of_rating_.assign(as_index(ratings), 0.0);
  parallel_blocks(ratings, kRatingsPerTile, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t n = begin; n < end; ++n) {
      const std::int32_t* slots = chunk.slots.data() + n * per_rating;
      if (slots[0] == kNoSlot) continue;
      Real* g = coefficients_.data() + n * per_rating;  // scores, then slopes: a row of G
      kernels_.dots(users.row(chunk.user[as_index(n)]), items.data(), slots, per_rating,
                    users.stride(), g);
      loss_of_rating_[as_index(n)] =
          term_->slopes(chunk.sign[as_index(n)], std::span<Real>(g, as_index(per_rating)));
    }
  });
}

template <class Precision>
void SampledLoss<Precision>::sort_by_slot(const LossChunk& chunk, std::int64_t slots) {
  const std::int64_t per_rating = negatives_ + 1;
  const auto ratings = static_cast<std::int64_t>(chunk.user.size());
  const std::int64_t entries = ratings * per_rating;
  // not more pieces than counting their entries is worth
  const std::int64_t pieces = std::clamp<std::int64_t>(entries / std::max<std::int64_t>(slots, 1),
                                                       1, omp_get_max_threads());
  slot_next_.assign(as_index(pieces * slots), 0);
  slot_offsets_.resize(as_index(slots) + 1);
  slot_users_.resize(as_index(entries));
  slot_coefficients_.resize(as_index(entries));
  const auto for_ratings_of = [&](std::int64_t piece, const auto& visit) {
    std::int32_t* const next = slot_next_.data() + piece * slots;
    for (std::int64_t n = ratings * piece / pieces; n < ratings * (piece + 1) / pieces; ++n)
      if (chunk.slots[as_index(n * per_rating)] != kNoSlot) visit(n, next);
  };
  parallel_blocks(pieces, 1, [&](std::int64_t piece, std::int64_t /*end*/) {
    for_ratings_of(piece, [&](std::int64_t n, std::int32_t* next) {
      for (std::int64_t k = n * per_rating; k < (n + 1) * per_rating; ++k)
        ++next[chunk.slots[as_index(k)]];
    });
  });
  std::int32_t total = 0;
  for (std::int64_t slot = 0; slot < slots; ++slot) {
    slot_offsets_[as_index(slot)] = total;
    for (std::int64_t piece = 0; piece < pieces; ++piece)
      total += std::exchange(slot_next_[as_index(piece * slots + slot)], total);
  }
  slot_offsets_[as_index(slots)] = total;
  parallel_blocks(pieces, 1, [&](std::int64_t piece, std::int64_t /*end*/) {
    for_ratings_of(piece, [&](std::int64_t n, std::int32_t* next) {
      for (std::int64_t k = n * per_rating; k < (n + 1) * per_rating; ++k) {
        const std::int32_t entry = next[chunk.slots[as_index(k)]]++;
        slot_users_[as_index(entry)] = chunk.user[as_index(n)];
        slot_coefficients_[as_index(entry)] = coefficients_[as_index(k)];
      }
    });
  });
}

template <class Precision>
void SampledLoss<Precision>::add_user_gradients(const LossChunk& chunk, const Matrix<Real>& users,
                                                const Matrix<Stored>& items,
                                                Matrix<Real>& gradient) {
  const std::int64_t per_rating = negatives_ + 1;
  segments_.clear();
  for (std::int64_t n = 0; n < static_cast<std::int64_t>(chunk.user.size()); ++n) {
    if (n == 0 || chunk.user[as_index(n)] != chunk.user[as_index(n - 1)])
      segments_.push_back({n, n});
    segments_.back().end = n + 1;
  }
  reg_of_user_.assign(segments_.size(), 0.0);
  parallel_blocks(static_cast<std::int64_t>(segments_.size()), kRatingsPerTile,
                  [&](std::int64_t first, std::int64_t last) {
                    for (std::int64_t s = first; s < last; ++s) {
                      const Segment segment = segments_[as_index(s)];
                      const std::int32_t user = chunk.user[as_index(segment.begin)];
                      std::int64_t terms = 0;
                      for (std::int64_t n = segment.begin; n < segment.end; ++n) {
                        if (chunk.slots[as_index(n * per_rating)] == kNoSlot) continue;
                        ++terms;
                        kernels_.weighted_sum(items.data(), chunk.slots.data() + n * per_rating,
                                              coefficients_.data() + n * per_rating, per_rating,
                                              users.stride(), gradient.row(user));
                      }
                      if (terms == 0) continue;  // then its row is not its own
                      const auto count = static_cast<double>(terms);
                      reg_of_user_[as_index(s)] =
                          count * kernels_.add_scaled(users.row(user),
                                                      static_cast<Real>(2.0 * reg_ * count),
                                                      users.stride(), gradient.row(user));
                    }
                  });
}

template <class Precision>
void SampledLoss<Precision>::add_item_gradients(const Matrix<Real>& users,
                                                const Matrix<Stored>& items, bool first,
                                                Matrix<Real>& gradient) {
  reg_of_slot_.assign(as_index(items.rows()), 0.0);
  parallel_blocks(items.rows(), kSlotsPerTile, [&](std::int64_t begin_slot, std::int64_t end_slot) {
    for (std::int64_t slot = begin_slot; slot < end_slot; ++slot) {
      if (first) std::fill_n(gradient.row(slot), gradient.stride(), Real{0});
      const std::int64_t begin = slot_offsets_[as_index(slot)];
      const std::int64_t entries = slot_offsets_[as_index(slot) + 1] - begin;
      if (entries == 0) continue;
      kernels_.weighted_sum_real(users.data(), slot_users_.data() + begin,
                                 slot_coefficients_.data() + begin, entries, users.stride(),
                                 gradient.row(slot));
      const auto count = static_cast<double>(entries);
      reg_of_slot_[as_index(slot)] =
          count * kernels_.add_scaled_stored(items.row(slot), static_cast<Real>(2.0 * reg_ * count),
                                             items.stride(), gradient.row(slot));
    }
  });
}

template class SampledLoss<Fp32>;
template class SampledLoss<Bf16>;
template class SampledLoss<Fp64>;

}  // namespace siren::inline model
