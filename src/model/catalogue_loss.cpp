// SPDX-License-Identifier: Apache-2.0
#include "model/catalogue_loss.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "math/parallel.hpp"
#include "siren/check.hpp"
#include "siren/ids.hpp"

namespace siren::inline model {

namespace {

constexpr std::int64_t kScoreBytes = std::int64_t{32} << 20;
constexpr std::int64_t kPanel = 64;        // items whose columns a thread keeps in its first cache
constexpr std::int64_t kUserBlock = 96;    // most users taken by a thread at a time
constexpr std::int64_t kItemBlock = 96;    // items
constexpr std::int64_t kOwnBlock = 16;     // users, and items, whose own ratings a thread adds up
constexpr std::int64_t kDepthBlock = 128;  // rows of the right factor that stay in the first cache

/// In an order that the compiler may take in vectors of any length up to 16.
template <class Real>
Real product(const Real* a, const Real* b, std::int64_t width) {
  Real sums[kRowPadding] = {};
  for (std::int64_t c = 0; c < width; c += kRowPadding)
    for (std::int64_t lane = 0; lane < kRowPadding; ++lane) sums[lane] += a[c + lane] * b[c + lane];
  for (std::int64_t half = kRowPadding / 2; half > 0; half /= 2)
    for (std::int64_t lane = 0; lane < half; ++lane) sums[lane] += sums[lane + half];
  return sums[0];
}

std::int64_t divide_up(std::int64_t number, std::int64_t by) {
  return (number + by - 1) / by;
}

/// As many for every thread, and many at a time: each block reads all items. A row has the same bits in
/// any block.
std::int64_t user_block(std::int64_t users) {
  constexpr std::int64_t kTileRows = 12;  // a multiple of the product's
  const std::int64_t threads = omp_get_max_threads();
  const std::int64_t rounds = std::max<std::int64_t>(divide_up(users, threads * kUserBlock), 1);
  const std::int64_t share = divide_up(users, threads * rounds);
  return std::max(divide_up(share, kTileRows), std::int64_t{1}) * kTileRows;
}

}  // namespace

template <class Precision>
std::int64_t CatalogueLoss<Precision>::chunk_users(std::int64_t items) {
  const std::int64_t row = std::max<std::int64_t>(padded(items), 1) * std::int64_t{sizeof(Real)};
  return std::max<std::int64_t>(kScoreBytes / row / kUserBlock, 1) * kUserBlock;
}

template <class Precision>
double CatalogueLoss<Precision>::add(const CatalogueBatch& batch, const Matrix<Real>& users,
                                     const CatalogueItems<Real>& items, const Combine& combine,
                                     Matrix<Real>& user_gradient) {
  SIREN_ASSERT(users.rows() == batch.users() && std::ssize(batch.own) == batch.users() &&
                   std::ssize(batch.offsets) == batch.users() + 1,
               "{} rows, {} own, {} offsets of {} users", users.rows(), batch.own.size(),
               batch.offsets.size(), batch.users());
  pack(items, users.stride());
  own_.resize(drawn_ ? batch.items.size() : 0);
  double loss = 0.0;
  for (std::int64_t begin = 0; begin < batch.users(); begin += chunk_) {
    const Chunk chunk{begin, std::min(begin + chunk_, batch.users())};
    block_ = user_block(chunk.size());
    score(batch, chunk, users, items);
    local_ = largest_;
    combine.largest(largest_);
    for (std::size_t u = 0; u < as_index(chunk.size()); ++u)
      sums_[u] *= local_[u] > -std::numeric_limits<double>::infinity()
                      ? std::exp(local_[u] - largest_[u])
                      : 0.0;
    combine.sum(sums_);
    for (std::int64_t u = 0; u < chunk.size(); ++u) {
      const std::size_t user = as_index(begin + u);
      const double logarithm = largest_[as_index(u)] + std::log(sums_[as_index(u)]);
      loss += (batch.own[user] != 0 ? batch.totals[user] * logarithm : 0.0) - rated_[as_index(u)];
    }
    add_user_gradients(batch, chunk, items, user_gradient);
    add_item_gradients(chunk, users, items);
    if (drawn_) add_own_gradients(batch, chunk, users, items, user_gradient);
  }
  return loss;
}

template <class Precision>
void CatalogueLoss<Precision>::pack(const CatalogueItems<Real>& items, std::int64_t stride) {
  SIREN_ASSERT(items.drawn || items.summed == items.count, "{} of {} items", items.summed,
               items.count);
  const std::int64_t count = count_ = items.summed;
  drawn_ = items.drawn;
  columns_ = padded(count);
  const std::int64_t panels = (count + kPanel - 1) / kPanel;
  if (panels_.size() < panels * stride * kPanel)
    panels_ = AlignedArray<Real>(panels * stride * kPanel);
  if (shift_.size() < columns_) shift_ = AlignedArray<Real>(columns_);
  std::fill(shift_.data(), shift_.data() + count, Real{0});
  std::fill(shift_.data() + count, shift_.data() + columns_,
            -std::numeric_limits<Real>::infinity());
  if (!items.bias.empty()) std::copy_n(items.bias.begin(), count, shift_.data());
  for (std::size_t i = 0; i < items.corrections.size(); ++i)
    shift_[static_cast<std::int64_t>(i)] += static_cast<Real>(items.corrections[i]);
  parallel_blocks(panels, 1, [&](std::int64_t panel, std::int64_t /*end*/) {
    Real* const to = panels_.data() + panel * stride * kPanel;
    for (std::int64_t lane = 0; lane < kPanel; ++lane) {
      const std::int64_t item = panel * kPanel + lane;
      for (std::int64_t c = 0; c < stride; ++c)
        to[c * kPanel + lane] = item < count ? items.rows[item * stride + c] : Real{0};
    }
  });
}

template <class Precision>
void CatalogueLoss<Precision>::score(const CatalogueBatch& batch, const Chunk& chunk,
                                     const Matrix<Real>& users, const CatalogueItems<Real>& items) {
  if (scores_.size() < chunk.size() * columns_)
    scores_ = AlignedArray<Real>(chunk.size() * columns_);
  largest_.assign(as_index(chunk.size()), -std::numeric_limits<double>::infinity());
  rated_.assign(as_index(chunk.size()), 0.0);
  sums_.assign(as_index(chunk.size()), 0.0);
  if (count_ == 0 && !drawn_) return;
  parallel_blocks(chunk.size(), block_, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t item = 0; item < columns_; item += kPanel)
      kernels_.multiply({.a = users.row(chunk.begin + begin),
                         .row_step = users.stride(),
                         .depth_step = 1,
                         .b = panels_.data() + item * users.stride(),
                         .ldb = kPanel,
                         .c = scores_of(begin) + item,
                         .ldc = columns_,
                         .rows = end - begin,
                         .depth = users.columns(),
                         .columns = std::min(kPanel, columns_ - item),
                         .accumulate = false});
    for (std::int64_t u = begin; u < end; ++u) {
      Real* const z = scores_of(u);
      if (count_ > 0)
        largest_[as_index(u)] = static_cast<double>(
            kernels_.scale_and_shift(z, inverse_temperature_, shift_.data(), columns_));
      if (drawn_)
        score_own(batch, u, chunk.begin, users, items);
      else
        rated_[as_index(u)] = sum_rated(batch, chunk.begin + u, z);
      exponentiate(batch, u, chunk.begin);
    }
  });
}

/// Sum of w z.
template <class Precision>
double CatalogueLoss<Precision>::sum_rated(const CatalogueBatch& batch, std::int64_t user,
                                           const Real* z) {
  double sum = 0.0;
  for (std::int64_t e = batch.offsets[as_index(user)]; e < batch.offsets[as_index(user) + 1]; ++e)
    sum += static_cast<double>(batch.weights[as_index(e)]) *
           static_cast<double>(z[batch.items[as_index(e)]]);
  return sum;
}

/// exp(z - the largest here), so that nothing overflows, while the row is in the cache.
template <class Precision>
void CatalogueLoss<Precision>::exponentiate(const CatalogueBatch& batch, std::int64_t u,
                                            std::int64_t first) {
  const auto here = static_cast<Real>(largest_[as_index(u)]);
  double sum = 0.0;
  if (count_ > 0) sum = static_cast<double>(kernels_.exp_and_sum(scores_of(u), here, columns_));
  if (drawn_) {
    const std::size_t user = as_index(first + u);
    for (std::int64_t e = batch.offsets[user]; e < batch.offsets[user + 1]; ++e)
      sum += static_cast<double>(own_[as_index(e)] = std::exp(own_[as_index(e)] - here));
  }
  sums_[as_index(u)] = sum;
}

/// P / t.
template <class Precision>
void CatalogueLoss<Precision>::take_slopes(const CatalogueBatch& batch, std::int64_t u,
                                           std::int64_t first) {
  const std::size_t user = as_index(first + u);
  const double share = std::exp(local_[as_index(u)] - largest_[as_index(u)]) / sums_[as_index(u)];
  const Real factor = static_cast<Real>(batch.totals[user] * share) * inverse_temperature_;
  Real* const p = scores_of(u);
  if (count_ > 0) kernels_.scale(p, factor, columns_);
  for (std::int64_t e = batch.offsets[user]; e < batch.offsets[user + 1]; ++e) {
    const Real weight = static_cast<Real>(batch.weights[as_index(e)]) * inverse_temperature_;
    if (drawn_)
      own_[as_index(e)] = factor * own_[as_index(e)] - weight;
    else
      p[batch.items[as_index(e)]] -= weight;
  }
}

/// With the slopes of a block's users, while they are in the cache.
template <class Precision>
void CatalogueLoss<Precision>::add_user_gradients(const CatalogueBatch& batch, const Chunk& chunk,
                                                  const CatalogueItems<Real>& items,
                                                  Matrix<Real>& gradient) {
  const std::int64_t stride = gradient.stride();
  parallel_blocks(chunk.size(), block_, [&](std::int64_t begin, std::int64_t end) {
    if (count_ > 0 || drawn_)
      for (std::int64_t u = begin; u < end; ++u) take_slopes(batch, u, chunk.begin);
    if (count_ == 0)
      std::fill(gradient.row(chunk.begin + begin), gradient.row(chunk.begin + end), Real{0});
    for (std::int64_t item = 0; item < count_; item += kDepthBlock)
      kernels_.multiply({.a = scores_of(begin) + item,
                         .row_step = columns_,
                         .depth_step = 1,
                         .b = items.rows + item * stride,
                         .ldb = stride,
                         .c = gradient.row(chunk.begin + begin),
                         .ldc = stride,
                         .rows = end - begin,
                         .depth = std::min(kDepthBlock, count_ - item),
                         .columns = stride,
                         .accumulate = item > 0});
  });
}

/// The sums of the biases first: they read the block's slopes in order, and so bring them near.
template <class Precision>
void CatalogueLoss<Precision>::add_item_gradients(const Chunk& chunk, const Matrix<Real>& users,
                                                  const CatalogueItems<Real>& items) {
  const std::int64_t stride = users.stride();
  parallel_blocks(count_, kItemBlock, [&](std::int64_t begin, std::int64_t end) {
    if (!items.bias.empty()) add_bias_gradients(chunk, begin, end, items.bias_gradient);
    for (std::int64_t u = 0; u < chunk.size(); u += kDepthBlock)
      kernels_.multiply({.a = scores_of(u) + begin,
                         .row_step = 1,
                         .depth_step = columns_,
                         .b = users.row(chunk.begin + u),
                         .ldb = stride,
                         .c = items.row_gradient + begin * stride,
                         .ldc = stride,
                         .rows = end - begin,
                         .depth = std::min(kDepthBlock, chunk.size() - u),
                         .columns = stride,
                         .accumulate = true});
  });
}

/// The slopes are P / t.
template <class Precision>
void CatalogueLoss<Precision>::add_bias_gradients(const Chunk& chunk, std::int64_t begin,
                                                  std::int64_t end, std::span<Real> gradient) {
  Real sums[kItemBlock] = {};
  for (std::int64_t u = 0; u < chunk.size(); ++u) {
    const Real* const slopes = scores_of(u) + begin;
    for (std::int64_t item = 0; item < end - begin; ++item) sums[item] += slopes[item];
  }
  for (std::int64_t item = begin; item < end; ++item)
    gradient[as_index(item)] += temperature_ * sums[item - begin];
}

/// Scores of the user's own items, which are taken out of those of the draws. The largest may be that
/// of an item taken out: it only has to bound the others.
template <class Precision>
void CatalogueLoss<Precision>::score_own(const CatalogueBatch& batch, std::int64_t u,
                                         std::int64_t first, const Matrix<Real>& users,
                                         const CatalogueItems<Real>& items) {
  const std::size_t user = as_index(first + u);
  const std::int64_t stride = users.stride();
  for (std::int64_t e = batch.offsets[user]; e < batch.offsets[user + 1]; ++e) {
    const std::int32_t item = batch.items[as_index(e)];
    Real z =
        inverse_temperature_ * product(users.row(first + u), items.rows + item * stride, stride);
    if (!items.bias.empty()) z += items.bias[as_index(item)];
    if (item < count_) scores_of(u)[item] = -std::numeric_limits<Real>::infinity();
    own_[as_index(e)] = z;
    largest_[as_index(u)] = std::max(largest_[as_index(u)], static_cast<double>(z));
    rated_[as_index(u)] += static_cast<double>(batch.weights[as_index(e)]) * static_cast<double>(z);
  }
}

template <class Precision>
void CatalogueLoss<Precision>::add_own_gradients(const CatalogueBatch& batch, const Chunk& chunk,
                                                 const Matrix<Real>& users,
                                                 const CatalogueItems<Real>& items,
                                                 Matrix<Real>& user_gradient) {
  const std::int64_t stride = users.stride();
  parallel_blocks(chunk.size(), kOwnBlock, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t u = chunk.begin + begin; u < chunk.begin + end; ++u) {
      const std::int64_t from = batch.offsets[as_index(u)];
      kernels_.weighted_sum_real(items.rows, batch.items.data() + from, own_.data() + from,
                                 batch.offsets[as_index(u) + 1] - from, stride,
                                 user_gradient.row(u));
    }
  });
  const std::int64_t first = batch.offsets[as_index(chunk.begin)];
  const std::size_t ratings = as_index(batch.offsets[as_index(chunk.end)] - first);
  by_item_.sort(batch.items.subspan(as_index(first), ratings), items.count);
  rating_users_.clear();
  for (std::int64_t u = chunk.begin; u < chunk.end; ++u)
    rating_users_.resize(as_index(batch.offsets[as_index(u) + 1] - first),
                         static_cast<std::int32_t>(u));
  item_users_.resize(ratings);
  item_slopes_.resize(ratings);
  for (std::size_t at = 0; at < ratings; ++at) {
    const std::int32_t rating = by_item_.members()[at];
    item_users_[at] = rating_users_[as_index(rating)];
    item_slopes_[at] = own_[as_index(first + rating)];
  }
  parallel_blocks(items.count, kOwnBlock, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t item = begin; item < end; ++item) {
      const std::int64_t from = by_item_.begin(item);
      const std::int64_t count = by_item_.count(item);
      if (count == 0) continue;
      kernels_.weighted_sum_real(users.data(), item_users_.data() + from,
                                 item_slopes_.data() + from, count, stride,
                                 items.row_gradient + item * stride);
      if (items.bias_gradient.empty()) continue;
      for (std::int64_t e = from; e < from + count; ++e)
        items.bias_gradient[as_index(item)] += temperature_ * item_slopes_[as_index(e)];
    }
  });
}

template class CatalogueLoss<Fp32>;
template class CatalogueLoss<Bf16>;
template class CatalogueLoss<Fp64>;

}  // namespace siren::inline model
