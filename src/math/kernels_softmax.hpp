// SPDX-License-Identifier: Apache-2.0
// Sweeps over a row of scores against a catalogue: its maximum, the sum of its exponentials, its
// slopes. Private to the kernels: see kernels_isa.cpp.
#pragma once

#include "math/kernels.hpp"
#include "simd.hpp"
#include "simd_exp.hpp"

namespace siren::inline math::SIREN_KERNEL_NAMESPACE {
namespace {

/// Four vectors at a time: the sums of a long row must not wait for one another.
inline constexpr int kSweepVectors = 4;

template <class Real>
Real scale_and_shift(Real* x, Real factor, const Real* shift, std::int64_t count) {
  Vec<Real> most[kSweepVectors];
  const Vec<Real> least = broadcast<Real>(-__builtin_huge_val());
  for (int v = 0; v < kSweepVectors; ++v) most[v] = least;
  const auto step = [&](std::int64_t i, int v) {
    const Vec<Real> value = load(x + i) * factor + load(shift + i);
    store(x + i, value);
    most[v] = select<Real>(value > most[v], value, most[v]);
  };
  std::int64_t i = 0;
  for (; i + kSweepVectors * kLanes<Real> <= count; i += kSweepVectors * kLanes<Real>)
#pragma GCC unroll 4
    for (int v = 0; v < kSweepVectors; ++v) step(i + v * kLanes<Real>, v);
  for (; i < count; i += kLanes<Real>) step(i, 0);
  Real largest = most[0][0];
  for (int v = 0; v < kSweepVectors; ++v)
    for (int lane = 0; lane < kLanes<Real>; ++lane)
      if (most[v][lane] > largest) largest = most[v][lane];
  return largest;
}

template <class Real>
Real exp_and_sum(Real* x, Real largest, std::int64_t count) {
  Vec<Real> sum[kSweepVectors] = {};
  const auto step = [&](std::int64_t i, int v) {
    const Vec<Real> value = exp_of_negative<Real>(load(x + i) - largest);
    store(x + i, value);
    sum[v] += value;
  };
  std::int64_t i = 0;
  for (; i + kSweepVectors * kLanes<Real> <= count; i += kSweepVectors * kLanes<Real>)
#pragma GCC unroll 4
    for (int v = 0; v < kSweepVectors; ++v) step(i + v * kLanes<Real>, v);
  for (; i < count; i += kLanes<Real>) step(i, 0);
  return add_lanes<Real>((sum[0] + sum[1]) + (sum[2] + sum[3]));
}

template <class Real>
void scale(Real* x, Real factor, std::int64_t count) {
  for (std::int64_t i = 0; i < count; i += kLanes<Real>) store(x + i, load(x + i) * factor);
}

}  // namespace
}  // namespace siren::inline math::SIREN_KERNEL_NAMESPACE
