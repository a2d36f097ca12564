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

}  // namespace

ParameterLayout polarity_layout(std::int64_t dimension, std::int64_t cuts) {
  return {{{"polarity", dimension + 1, GradientRows::kNeeded}},
          DenseLayout("polarity.theta", cuts)};
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
                                    Matrix<Real>& user_gradient, Matrix<Real>& item_gradient,
                                    std::span<double> theta_gradient) {
  take_slopes(batch, theta, users, items);
  add_user_gradients(batch, items, user_gradient);
  add_item_gradients(batch, users, item_gradient);
  return sum_losses(theta_gradient);
}

/// With y = 1 above a cut, -1 below it, the loss there is -log sigma(y (f - theta)).
template <class Precision>
void PolarityLoss<Precision>::take_slopes(const PolarityBatch& batch, std::span<const double> theta,
                                          const Matrix<Real>& users, const Matrix<Stored>& items) {
  const std::int64_t ratings = std::ssize(batch.user);
  losses_.resize(as_index(ratings * cuts_));
  cut_slopes_.resize(losses_.size());
  slopes_.resize(as_index(ratings));
  parallel_blocks(ratings, kRatingsPerTile, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t n = begin; n < end; ++n) {
      Real f{0};
      kernels_.dots(users.row(batch.user[as_index(n)]), items.data(), batch.slot.data() + n, 1,
                    users.stride(), &f);
      const int level = batch.mark[as_index(n)] % kNeutralMark;
      for (std::int64_t k = 0; k < cuts_; ++k) {
        const Real x = f - static_cast<Real>(theta[as_index(k)]);
        cut_slopes_[as_index(n * cuts_ + k)] = level > k ? x : -x;
      }
    }
    kernels_.log_sigmoid(cut_slopes_.data() + begin * cuts_, losses_.data() + begin * cuts_,
                         (end - begin) * cuts_);
    for (std::int64_t n = begin; n < end; ++n) {
      const std::int8_t mark = batch.mark[as_index(n)];
      const std::int64_t parts = cuts_ - (mark >= kNeutralMark ? 1 : 0);
      const Real factor = parts < 2 ? Real{1} : Real{2} / static_cast<Real>(parts);
      Real sum{0};
      for (std::int64_t k = 0; k < cuts_; ++k) {
        Real& slope = cut_slopes_[as_index(n * cuts_ + k)];
        const bool out = mark >= kNeutralMark && k == offset_cut_;
        const Real weight = out ? Real{0} : factor;
        slope *= mark % kNeutralMark > k ? weight : -weight;
        losses_[as_index(n * cuts_ + k)] *= weight;
        sum += slope;
      }
      slopes_[as_index(n)] = sum;
    }
  });
}

template <class Precision>
double PolarityLoss<Precision>::sum_losses(std::span<double> theta_gradient) const {
  std::ranges::fill(theta_gradient, 0.0);
  double loss = 0.0;
  for (std::size_t at = 0; at < losses_.size(); ++at) {
    loss += static_cast<double>(losses_[at]);
    theta_gradient[at % as_index(cuts_)] -= static_cast<double>(cut_slopes_[at]);
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
