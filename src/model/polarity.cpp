// SPDX-License-Identifier: Apache-2.0
#include "model/polarity.hpp"

#include <algorithm>
#include <cmath>

#include "math/parallel.hpp"
#include "siren/ids.hpp"

namespace siren::inline model {

namespace {

constexpr std::int64_t kRatingsPerTile = 128;
constexpr std::int64_t kRowsPerTile = 16;

template <class Real>
std::vector<double> thetas_of(std::span<const Real> learnt) {
  std::vector<double> theta;
  for (const Real value : learnt)
    theta.push_back(theta.empty() ? double{value} : theta.back() + std::exp(double{value}));
  return theta;
}

/// 1 above cut k, else -1; without a branch, which would be guessed wrong every other time.
template <class Real>
Real side(int level, std::int64_t k) {
  return static_cast<Real>(2 * static_cast<int>(level > k) - 1);
}

}  // namespace

ParameterLayout polarity_layout(std::int64_t dimension, std::int64_t cuts, int layers) {
  return {{{"polarity", dimension + 1, GradientRows::kNeeded}},
          DenseLayout("polarity", cuts, dimension, layers)};
}

std::vector<double> thetas(std::span<const float> learnt) {
  return thetas_of(learnt);
}
std::vector<double> thetas(std::span<const double> learnt) {
  return thetas_of(learnt);
}

std::vector<double> initial_thetas(const RatingCuts& cuts) {
  constexpr double kLeastStep = 1e-2;
  std::vector<double> learnt;
  double last = 0.0;
  for (const double share : cuts.share_above) {
    const double theta = std::log((1.0 - share) / share);
    const double step = learnt.empty() ? theta : std::max(theta - last, kLeastStep);
    last = learnt.empty() ? theta : last + step;
    learnt.push_back(learnt.empty() ? theta : std::log(step));
  }
  return learnt;
}

template <class Precision>
double PolarityLoss<Precision>::add(const PolarityBatch& batch, std::span<const double> theta,
                                    const Matrix<Real>& users, const Matrix<Stored>& items,
                                    const PolarityGradients<Real>& gradients) {
  take_slopes(batch, theta, users, items);
  add_user_gradients(batch, items, gradients.users);
  add_item_gradients(batch, users, gradients.items);
  return sum_losses(gradients.theta);
}

/// With y = 1 above a cut, -1 below it, the loss there is -log sigma(y (f - theta)).
template <class Precision>
void PolarityLoss<Precision>::take_slopes(const PolarityBatch& batch, std::span<const double> theta,
                                          const Matrix<Real>& users, const Matrix<Stored>& items) {
  const std::int64_t ratings = std::ssize(batch.user);
  theta_.assign(theta.begin(), theta.end());
  losses_.resize(as_index(ratings * cuts_));
  cut_slopes_.resize(losses_.size());
  slopes_.resize(as_index(ratings));
  parallel_blocks(ratings, kRatingsPerTile, [&](std::int64_t begin, std::int64_t end) {
    score(batch, begin, end, users, items);
    for (std::int64_t n = begin; n < end; ++n) {
      const int level = batch.mark[as_index(n)] % kNeutralMark;
      for (std::int64_t k = 0; k < cuts_; ++k) {
        cut_slopes_[as_index(n * cuts_ + k)] =
            side<Real>(level, k) * (slopes_[as_index(n)] - theta_[as_index(k)]);
      }
    }
    kernels_.log_sigmoid(cut_slopes_.data() + begin * cuts_, losses_.data() + begin * cuts_,
                         (end - begin) * cuts_);
    for (std::int64_t n = begin; n < end; ++n)
      slopes_[as_index(n)] = weigh(batch.mark[as_index(n)], n * cuts_);
  });
}

/// f, into slopes_, for the ratings of a user at a time.
template <class Precision>
void PolarityLoss<Precision>::score(const PolarityBatch& batch, std::int64_t begin,
                                    std::int64_t end, const Matrix<Real>& users,
                                    const Matrix<Stored>& items) {
  for (std::int64_t n = begin, next = begin; n < end; n = next) {
    const std::int32_t user = batch.user[as_index(n)];
    while (next < end && batch.user[as_index(next)] == user) ++next;
    kernels_.dots(users.row(user), items.data(), batch.slot.data() + n, next - n, users.stride(),
                  slopes_.data() + n);
  }
}

/// Of a rating, whose cuts begin at `at`: losses and slopes with their weights. Returns its slope.
template <class Precision>
typename Precision::Real PolarityLoss<Precision>::weigh(std::int8_t mark, std::int64_t at) {
  const bool neutral = mark >= kNeutralMark;
  const int level = mark % kNeutralMark;
  const std::int64_t parts = cuts_ - (neutral ? 1 : 0);
  const Real factor = parts < 2 ? Real{1} : Real{2} / static_cast<Real>(parts);
  Real sum{0};
  for (std::int64_t k = 0; k < cuts_; ++k) {
    const Real weight = neutral && k == offset_cut_ ? Real{0} : factor;
    Real& slope = cut_slopes_[as_index(at + k)];
    slope *= side<Real>(level, k) * weight;
    losses_[as_index(at + k)] *= weight;
    sum += slope;
  }
  return sum;
}

template <class Precision>
double PolarityLoss<Precision>::sum_losses(std::span<double> theta_gradient) const {
  std::ranges::fill(theta_gradient, 0.0);
  double loss = 0.0;
  for (std::size_t at = 0; at < losses_.size(); at += as_index(cuts_))
    for (std::size_t k = 0; k < as_index(cuts_); ++k) {
      loss += static_cast<double>(losses_[at + k]);
      theta_gradient[k] -= static_cast<double>(cut_slopes_[at + k]);
    }
  return loss;
}

template <class Precision>
void PolarityLoss<Precision>::add_user_gradients(const PolarityBatch& batch,
                                                 const Matrix<Stored>& items,
                                                 Matrix<Real>& gradient) {
  const std::int64_t ratings = std::ssize(batch.user);
  segments_.clear();
  for (std::int64_t n = 0; n < ratings; ++n)
    if (n == 0 || batch.user[as_index(n)] != batch.user[as_index(n - 1)]) segments_.push_back(n);
  const std::int64_t segments = std::ssize(segments_);
  segments_.push_back(ratings);
  const std::int64_t count_column = gradient.columns() - 1;
  parallel_blocks(segments, kRowsPerTile, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t s = first; s < last; ++s) {
      const std::int64_t begin = segments_[as_index(s)];
      const std::int64_t count = segments_[as_index(s) + 1] - begin;
      Real* const row = gradient.row(batch.user[as_index(begin)]);
      std::fill_n(row, gradient.stride(), Real{0});
      kernels_.weighted_sum(items.data(), batch.slot.data() + begin, slopes_.data() + begin, count,
                            gradient.stride(), row);
      row[count_column] = static_cast<Real>(count);
    }
  });
}

template <class Precision>
void PolarityLoss<Precision>::add_item_gradients(const PolarityBatch& batch,
                                                 const Matrix<Real>& users,
                                                 Matrix<Real>& gradient) {
  const std::int64_t slots = gradient.rows();
  by_slot_.sort(batch.slot, slots);
  slot_users_.resize(batch.slot.size());
  slot_slopes_.resize(batch.slot.size());
  for (std::size_t at = 0; at < batch.slot.size(); ++at) {
    const std::size_t rating = as_index(by_slot_.members()[at]);
    slot_users_[at] = batch.user[rating];
    slot_slopes_[at] = slopes_[rating];
  }
  const std::int64_t count_column = gradient.columns() - 2;
  parallel_blocks(slots, kRowsPerTile, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t slot = first; slot < last; ++slot) {
      const std::int64_t begin = by_slot_.begin(slot);
      const std::int64_t count = by_slot_.count(slot);
      Real* const row = gradient.row(slot);
      std::fill_n(row, gradient.stride(), Real{0});
      kernels_.weighted_sum_real(users.data(), slot_users_.data() + begin,
                                 slot_slopes_.data() + begin, count, gradient.stride(), row);
      row[count_column] = static_cast<Real>(count);
    }
  });
}

template class PolarityLoss<Fp32>;
template class PolarityLoss<Bf16>;
template class PolarityLoss<Fp64>;

}  // namespace siren::inline model
