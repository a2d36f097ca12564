// SPDX-License-Identifier: Apache-2.0
// Scores and gradients of a batch, the scan of a ranking, the optimiser. Private to the kernels:
// see kernels_isa.cpp.
#pragma once

#include "kernels_sparse.hpp"
#include "math/kernels.hpp"
#include "simd.hpp"
#include "simd_exp.hpp"

namespace siren::inline math::SIREN_KERNEL_NAMESPACE {
namespace {

inline constexpr std::int64_t kSlotsAhead = 8;  // how far ahead rows are asked for

/// Of the rows of slots [0, kRows), each with the operations it has alone.
template <int kRows, class Real, class Stored>
SIREN_INLINE void dots_of(const Real* u, const Stored* table, const std::int32_t* slots,
                          std::int64_t width, Real* out) {
  const Stored* row[kRows];
  Vec<Real> sum[kRows] = {};
  for (int r = 0; r < kRows; ++r) row[r] = table + slots[r] * width;
  for (std::int64_t c = 0; c < width; c += kLanes<Real>) {
    const Vec<Real> left = load(u + c);
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r) sum[r] += left * load(row[r] + c);
  }
#pragma GCC unroll 4
  for (int r = 0; r < kRows; ++r) out[r] = add_lanes<Real>(sum[r]);
}

template <class Real, class Stored>
void dots(const Real* u, const Stored* table, const std::int32_t* slots, std::int64_t count,
          std::int64_t width, Real* out) {
  constexpr int kRows = 4;
  std::int64_t i = 0;
  for (; i + kRows <= count; i += kRows) {
    for (std::int64_t next = i + kSlotsAhead; next < i + kSlotsAhead + kRows && next < count;
         ++next)
      prefetch_row(table + slots[next] * width, width);
    dots_of<kRows>(u, table, slots + i, width, out + i);
  }
  for (; i < count; ++i) dots_of<1>(u, table, slots + i, width, out + i);
}

/// Columns [c, c + kVectors vectors) of the sum.
template <int kVectors, class Real, class Stored>
SIREN_INLINE void weighted_columns(const Stored* table, const std::int32_t* slots,
                                   const Real* weights, std::int64_t count, std::int64_t width,
                                   Real* acc) {
  Vec<Real> sum[kVectors];
  for (int v = 0; v < kVectors; ++v) sum[v] = load(acc + v * kLanes<Real>);
  for (std::int64_t i = 0; i < count; ++i) {
    if (i + kSlotsAhead < count)
      prefetch_row(table + slots[i + kSlotsAhead] * width, kVectors * kLanes<Real>);
    const Stored* row = table + slots[i] * width;
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) sum[v] += weights[i] * load(row + v * kLanes<Real>);
  }
  for (int v = 0; v < kVectors; ++v) store(acc + v * kLanes<Real>, sum[v]);
}

template <class Real, class Stored>
void weighted_sum(const Stored* table, const std::int32_t* slots, const Real* weights,
                  std::int64_t count, std::int64_t width, Real* acc) {
  constexpr int kVectors = 4;
  constexpr std::int64_t kStep = kVectors * kLanes<Real>;
  std::int64_t c = 0;
  for (; c + kStep <= width; c += kStep)
    weighted_columns<kVectors>(table + c, slots, weights, count, width, acc + c);
  for (; c < width; c += kLanes<Real>)
    weighted_columns<1>(table + c, slots, weights, count, width, acc + c);
}

template <class Real, class T>
double add_scaled(const T* x, Real factor, std::int64_t width, Real* to) {
  Vec<Real> square{};
  for (std::int64_t c = 0; c < width; c += kLanes<Real>) {
    const Vec<Real> value = load(x + c);
    store(to + c, load(to + c) + factor * value);
    square += value * value;
  }
  return static_cast<double>(add_lanes<Real>(square));
}

template <class Real>
void log_sigmoid(Real* x, Real* term, std::int64_t count) {
  for (std::int64_t i = 0; i < count; i += kLanes<Real>) {
    const Vec<Real> v = load_some(x + i, count - i);
    const Vec<Real> e = exp_of_negative<Real>(-absolute<Real>(v));
    const Vec<Real> loss = select<Real>(v < Real(0), -v, Vec<Real>{}) + log1p_of<Real>(e);
    const Vec<Real> slope = select<Real>(v < Real(0), broadcast<Real>(1), e) / (Real(-1) - e);
    store_some<Real>(term + i, count - i, loss);
    store_some<Real>(x + i, count - i, slope);
  }
}

template <class Real>
SIREN_INLINE bool any(IntVec<Real> lanes) {
  const auto words = reinterpret_cast<IntVec<double>>(lanes);
  std::int64_t bits = 0;
  for (int i = 0; i < kLanes<double>; ++i) bits |= words[i];
  return bits != 0;
}

/// Most blocks hold nothing once a list is full: one branch a block passes them over.
template <class Real>
std::int64_t at_least(const Real* scores, std::int64_t count, Real threshold, std::int32_t* found) {
  constexpr int kVectors = 4;
  constexpr std::int64_t kBlock = kVectors * kLanes<Real>;
  std::int64_t hits = 0;
  for (std::int64_t begin = 0; begin < count; begin += kBlock) {
    const std::int64_t end = begin + kBlock < count ? begin + kBlock : count;
    if (end - begin == kBlock) {
      IntVec<Real> above{};
      for (int v = 0; v < kVectors; ++v)
        above |= load(scores + begin + v * kLanes<Real>) >= threshold;
      if (!any<Real>(above)) continue;
    }
    for (std::int64_t i = begin; i < end; ++i) {
      found[hits] = static_cast<std::int32_t>(i);
      hits += scores[i] >= threshold ? 1 : 0;
    }
  }
  return hits;
}

/// Zero times anything is zero, except where it is not finite.
template <class Real>
void mix(Real* mean, const Real* value, Real weight, std::int64_t count) {
  for (std::int64_t i = 0; i < count; i += kLanes<Real>)
    store(mean + i, load(mean + i) + weight * (load(value + i) - load(mean + i)));
}

/// One vector of each; adds to `zero` what is zero unless something is not finite.
template <class Real>
SIREN_INLINE void adam_vector(Real* parameter, Real* first, Real* second, Vec<Real> g,
                              const AdamStep<Real>& step, Vec<Real>& zero) {
  const Vec<Real> m = load(first) * step.beta1 + g * (Real(1) - step.beta1);
  const Vec<Real> v = load(second) * step.beta2 + g * g * (Real(1) - step.beta2);
  store(first, m);
  store(second, v);
  Vec<Real> root = v;
  for (int lane = 0; lane < kLanes<Real>; ++lane)
    root[lane] = sizeof(Real) == 4 ? Real(__builtin_sqrtf(float(root[lane])))
                                   : Real(__builtin_sqrt(double(root[lane])));
  const Vec<Real> p =
      load(parameter) - step.learning_rate * m / (root * step.inverse_root_bias + step.epsilon);
  store(parameter, p);
  zero += p * Real(0);
  zero += v * Real(0);
}

template <class Real>
bool adam(Real* __restrict parameter, Real* __restrict first, Real* __restrict second,
          const Real* __restrict gradient, std::int64_t count, const AdamStep<Real>& step) {
  Vec<Real> zero{};
  for (std::int64_t i = 0; i < count; i += kLanes<Real>)
    adam_vector<Real>(parameter + i, first + i, second + i, load(gradient + i), step, zero);
  return !any<Real>(zero != Real(0));
}

template <class Real>
bool adam_rows(const AdamRows<Real>& rows, std::int64_t begin, std::int64_t end,
               const AdamStep<Real>& step) {
  Vec<Real> zero{};
  for (std::int64_t r = begin; r < end; ++r) {
    const Real* const gradient = row_at(rows.gradient, rows.places, r, rows.width);
    for (std::int64_t c = 0; c < rows.width; c += kLanes<Real>) {
      const std::int64_t i = r * rows.width + c;
      adam_vector<Real>(rows.parameter + i, rows.first_moment + i, rows.second_moment + i,
                        gradient == nullptr ? Vec<Real>{} : load(gradient + c), step, zero);
    }
  }
  return !any<Real>(zero != Real(0));
}

}  // namespace
}  // namespace siren::inline math::SIREN_KERNEL_NAMESPACE
