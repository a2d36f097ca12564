// SPDX-License-Identifier: Apache-2.0
// Sums of table rows over the graph's edges, and rows between the wire and sums. Private to the
// kernels: see kernels_isa.cpp.
#pragma once

#include "math/kernels.hpp"
#include "simd.hpp"

namespace siren::inline math::SIREN_KERNEL_NAMESPACE {
namespace {

inline constexpr std::int64_t kPrefetchDistance = 24;

template <class Stored>
SIREN_INLINE void prefetch_row(const Stored* row, std::int64_t width) {
  const char* at = reinterpret_cast<const char*>(row);
  for (std::int64_t byte = 0; byte < width * static_cast<std::int64_t>(sizeof(Stored)); byte += 64)
    __builtin_prefetch(at + byte);
}

/// The row of `matrix` that belongs to row r; null if none does.
template <class Real>
SIREN_INLINE Real* row_at(Real* matrix, Places places, std::int64_t r, std::int64_t width) {
  const std::int64_t place = places == nullptr ? r : places[r];
  return place < 0 ? nullptr : matrix + place * width;
}

/// Calls emit(column offset, vector) for the sum of `count` table rows, `kVectors` vectors at a time
/// kept in registers; the row `kAhead` entries further on is on its way already.
template <class Real, int kVectors, int kAhead, class Stored, class Emit>
SIREN_INLINE void sum_columns(const std::int32_t* columns, std::int64_t count, const Stored* table,
                              std::int64_t width, std::int64_t first, Emit emit) {
  Vec<Real> sum[kVectors] = {};
  for (std::int64_t e = 0; e < count; ++e) {
    if constexpr (kAhead > 0)
      prefetch_row(table + static_cast<std::int64_t>(columns[e + kAhead]) * width + first,
                   kVectors * kLanes<Real>);
    const Stored* row = table + static_cast<std::int64_t>(columns[e]) * width + first;
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; ++v) sum[v] += load(row + v * kLanes<Real>);
  }
#pragma GCC unroll 16
  for (int v = 0; v < kVectors; ++v) emit(first + v * kLanes<Real>, sum[v]);
}

/// The same for pairs of bfloat16 vectors, kept apart by even and odd columns until the sum is
/// done.
template <class Real, int kVectors, int kAhead, class Emit>
requires(kVectors > 1) SIREN_INLINE
    void sum_columns(const std::int32_t* columns, std::int64_t count, const Bfloat16* table,
                     std::int64_t width, std::int64_t first, Emit emit) {
  EvenOdd sum[kVectors / 2] = {};
  const Vec<float> ones = hidden_ones<float>();
  for (std::int64_t e = 0; e < count; ++e) {
    if constexpr (kAhead > 0)
      prefetch_row(table + static_cast<std::int64_t>(columns[e + kAhead]) * width + first,
                   kVectors * kLanes<float>);
    const Bfloat16* row = table + static_cast<std::int64_t>(columns[e]) * width + first;
#pragma GCC unroll 8
    for (int v = 0; v < kVectors / 2; ++v) {
      const EvenOdd x = load_even_odd(row + 2 * v * kLanes<float>);
      sum[v].even = add_on_fma<float>(sum[v].even, x.even, ones);
      sum[v].odd = add_on_fma<float>(sum[v].odd, x.odd, ones);
    }
  }
#pragma GCC unroll 8
  for (int v = 0; v < kVectors / 2; ++v) {
    Vec<float> low{}, high{};
    interleave(sum[v], low, high);
    emit(first + 2 * v * kLanes<float>, low);
    emit(first + (2 * v + 1) * kLanes<float>, high);
  }
}

/// The whole width, in as few passes over the list as registers allow.
template <class Real, int kAhead, class Stored, class Emit>
SIREN_INLINE void sum_list(const std::int32_t* columns, std::int64_t count, const Stored* table,
                           std::int64_t width, Emit emit) {
  std::int64_t first = 0;
  const auto left = [&] { return (width - first) / kLanes<Real>; };
  for (; left() >= kMaxAccumulators; first += kMaxAccumulators * kLanes<Real>)
    sum_columns<Real, kMaxAccumulators, kAhead>(columns, count, table, width, first, emit);
  if (left() >= 8 && kMaxAccumulators > 8) {
    sum_columns<Real, 8, kAhead>(columns, count, table, width, first, emit);
    first += 8 * kLanes<Real>;
  }
  if (left() >= 4) {
    sum_columns<Real, 4, kAhead>(columns, count, table, width, first, emit);
    first += 4 * kLanes<Real>;
  }
  if (left() >= 2) {
    sum_columns<Real, 2, kAhead>(columns, count, table, width, first, emit);
    first += 2 * kLanes<Real>;
  }
  if (left() >= 1) sum_columns<Real, 1, kAhead>(columns, count, table, width, first, emit);
}

template <class Real, class Stored, class Emit>
SIREN_INLINE void sum_row(const CsrView& csr, std::int64_t r, const Stored* table,
                          std::int64_t width, Emit emit) {
  sum_list<Real, kPrefetchDistance>(csr.columns + csr.offsets[r],
                                    csr.offsets[r + 1] - csr.offsets[r], table, width, emit);
}

template <class Real, class Stored>
void store_rows(const Real* x, std::int64_t width, std::int64_t begin, std::int64_t end,
                Stored* stored) {
  for (std::int64_t at = begin * width; at < end * width; at += kLanes<Real>)
    store(stored + at, load(x + at));
}

template <class Real, class Stored>
void add_rows(const Stored* incoming, const std::int32_t* rows, std::int64_t width,
              std::int64_t begin, std::int64_t end, Real* sums) {
  for (std::int64_t i = begin; i < end; ++i) {
    Real* to = sums + rows[i] * width;
    for (std::int64_t c = 0; c < width; c += kLanes<Real>)
      store(to + c, load(to + c) + load(incoming + i * width + c));
  }
}

}  // namespace
}  // namespace siren::inline math::SIREN_KERNEL_NAMESPACE
