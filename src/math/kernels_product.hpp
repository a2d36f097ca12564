// SPDX-License-Identifier: Apache-2.0
// The dense matrix product in register tiles. Private to the kernels: see kernels_isa.cpp.
#pragma once

#include "math/kernels.hpp"
#include "simd.hpp"

namespace siren::inline math::SIREN_KERNEL_NAMESPACE {
namespace {

/// One register tile of the product: kRows x kVectors vectors, depth innermost and in order.
template <class Real, int kRows, int kVectors>
SIREN_INLINE void multiply_tile(const Product<Real>& p, std::int64_t i, std::int64_t j) {
  Vec<Real> sum[kRows][kVectors] = {};
  const Real* a = p.a + i * p.row_step;
  const Real* b = p.b + j;
  for (std::int64_t k = 0; k < p.depth; ++k, a += p.depth_step, b += p.ldb) {
    Vec<Real> right[kVectors];
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) right[v] = load(b + v * kLanes<Real>);
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v) sum[r][v] += a[r * p.row_step] * right[v];
  }
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) {
      Real* to = p.c + (i + r) * p.ldc + j + v * kLanes<Real>;
      store(to, p.accumulate ? load(to) + sum[r][v] : sum[r][v]);
    }
}

template <class Real, int kVectors>
SIREN_INLINE void multiply_columns(const Product<Real>& p, std::int64_t j) {
  std::int64_t i = 0;
  for (; i + kTileRows <= p.rows; i += kTileRows) multiply_tile<Real, kTileRows, kVectors>(p, i, j);
  for (; i + 2 <= p.rows; i += 2) multiply_tile<Real, 2, kVectors>(p, i, j);
  for (; i < p.rows; ++i) multiply_tile<Real, 1, kVectors>(p, i, j);
}

template <class Real>
void multiply(const Product<Real>& p) {
  std::int64_t j = 0;
  for (; j + kTileVectors * kLanes<Real> <= p.columns; j += kTileVectors * kLanes<Real>)
    multiply_columns<Real, kTileVectors>(p, j);
  for (; j < p.columns; j += kLanes<Real>) multiply_columns<Real, 1>(p, j);
}

}  // namespace
}  // namespace siren::inline math::SIREN_KERNEL_NAMESPACE
