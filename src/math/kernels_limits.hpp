// SPDX-License-Identifier: Apache-2.0
// What the machine can do at best, in the same code as the kernels that are measured against it. Private
// to the kernels: see kernels_isa.cpp.
#pragma once

#include "kernels_sparse.hpp"
#include "math/kernels.hpp"
#include "simd.hpp"

namespace siren::inline math::SIREN_KERNEL_NAMESPACE {
namespace {

template <class Real, class Stored, int kAhead>
SIREN_INLINE void gather_ahead(const std::int32_t* columns, std::int64_t count, const Stored* table,
                               std::int64_t width, Real* out) {
  sum_list<kAhead>(RowList<Real, 1>{columns, count}, table, width,
                   [out](std::int64_t c, Vec<Real> x) { store(out + c, load(out + c) + x); });
}

template <class Real, class Stored>
void gather(const std::int32_t* columns, std::int64_t count, const Stored* table,
            std::int64_t width, int variant, Real* out) {
  if (variant == 0) gather_ahead<Real, Stored, 0>(columns, count, table, width, out);
  if (variant == 1) gather_ahead<Real, Stored, 6>(columns, count, table, width, out);
  if (variant == 2) gather_ahead<Real, Stored, 12>(columns, count, table, width, out);
  if (variant == 3) gather_ahead<Real, Stored, 24>(columns, count, table, width, out);
}

template <class Real>
void triad(Real* a, const Real* b, const Real* c, Real factor, std::int64_t count) {
  for (std::int64_t i = 0; i < count; i += kLanes<Real>)
    store(a + i, load(b + i) + factor * load(c + i));
}

/// Enough independent sums to hide the latency of a multiply-add.
template <class Real>
double multiply_adds(std::int64_t rounds, Real* out) {
  constexpr int kSums = 12;
  Vec<Real> sum[kSums];
  for (int s = 0; s < kSums; ++s) sum[s] = broadcast<Real>(Real(s) + out[0]);
  const Vec<Real> factor = broadcast<Real>(out[1]);
  const Vec<Real> addend = broadcast<Real>(out[2]);
  for (std::int64_t round = 0; round < rounds; ++round)
#pragma GCC unroll 12
    for (Vec<Real>& s : sum) s = s * factor + addend;
  for (const Vec<Real>& s : sum) out[0] += add_lanes<Real>(s);
  return 2.0 * kSums * kLanes<Real> * static_cast<double>(rounds);
}

}  // namespace
}  // namespace siren::inline math::SIREN_KERNEL_NAMESPACE
