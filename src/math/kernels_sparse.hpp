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

/// Columns of table rows to be summed: all weigh 1, or where there are two runs the first `light` of
/// them `weight`.
template <class Real, int kRuns>
struct RowList {
  const std::int32_t* columns;
  std::int64_t count;
  std::int64_t light = 0;
  Real weight = Real{1};
};

/// Adds the table rows columns[begin .. end) to the sums; the row `kAhead` entries further on is on
/// its way already.
template <class Real, int kVectors, int kAhead, class Stored>
SIREN_INLINE void add_list(const std::int32_t* columns, std::int64_t begin, std::int64_t end,
                           const Stored* table, std::int64_t width, std::int64_t first,
                           Vec<Real> (&sum)[kVectors]) {
  for (std::int64_t e = begin; e < end; ++e) {
    if constexpr (kAhead > 0)
      prefetch_row(table + static_cast<std::int64_t>(columns[e + kAhead]) * width + first,
                   kVectors * kLanes<Real>);
    const Stored* row = table + static_cast<std::int64_t>(columns[e]) * width + first;
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; ++v) sum[v] += load(row + v * kLanes<Real>);
  }
}

/// The same for pairs of bfloat16 vectors, kept apart by even and odd columns.
template <class Real, int kVectors, int kAhead>
SIREN_INLINE void add_list(const std::int32_t* columns, std::int64_t begin, std::int64_t end,
                           const Bfloat16* table, std::int64_t width, std::int64_t first,
                           EvenOdd (&sum)[kVectors / 2]) {
  const Vec<float> ones = hidden_ones<float>();
  for (std::int64_t e = begin; e < end; ++e) {
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
}

/// Calls emit(column offset, vector) for the sum of the list's table rows, `kVectors` vectors at a
/// time kept in registers. The light rows come first, so that their sum is what the weight scales.
template <class Real, int kVectors, int kAhead, int kRuns, class Stored, class Emit>
SIREN_INLINE void sum_columns(const RowList<Real, kRuns>& list, const Stored* table,
                              std::int64_t width, std::int64_t first, Emit emit) {
  Vec<Real> sum[kVectors] = {};
  if constexpr (kRuns == 2) {
    add_list<Real, kVectors, kAhead>(list.columns, 0, list.light, table, width, first, sum);
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; ++v) sum[v] = rounded(sum[v] * list.weight);
  }
  add_list<Real, kVectors, kAhead>(list.columns, list.light, list.count, table, width, first, sum);
#pragma GCC unroll 16
  for (int v = 0; v < kVectors; ++v) emit(first + v * kLanes<Real>, sum[v]);
}

/// The same for pairs of bfloat16 vectors, brought into order when the sum is done.
template <class Real, int kVectors, int kAhead, int kRuns, class Emit>
requires(kVectors > 1) SIREN_INLINE
    void sum_columns(const RowList<Real, kRuns>& list, const Bfloat16* table, std::int64_t width,
                     std::int64_t first, Emit emit) {
  EvenOdd sum[kVectors / 2] = {};
  if constexpr (kRuns == 2) {
    add_list<Real, kVectors, kAhead>(list.columns, 0, list.light, table, width, first, sum);
#pragma GCC unroll 8
    for (int v = 0; v < kVectors / 2; ++v)
      sum[v] = {rounded(sum[v].even * list.weight), rounded(sum[v].odd * list.weight)};
  }
  add_list<Real, kVectors, kAhead>(list.columns, list.light, list.count, table, width, first, sum);
#pragma GCC unroll 8
  for (int v = 0; v < kVectors / 2; ++v) {
    Vec<float> low{}, high{};
    interleave(sum[v], low, high);
    emit(first + 2 * v * kLanes<float>, low);
    emit(first + (2 * v + 1) * kLanes<float>, high);
  }
}

/// The whole width, in as few passes over the list as registers allow.
template <int kAhead, class Real, int kRuns, class Stored, class Emit>
SIREN_INLINE void sum_list(const RowList<Real, kRuns>& list, const Stored* table,
                           std::int64_t width, Emit emit) {
  std::int64_t first = 0;
  const auto left = [&] { return (width - first) / kLanes<Real>; };
  for (; left() >= kMaxAccumulators; first += kMaxAccumulators * kLanes<Real>)
    sum_columns<Real, kMaxAccumulators, kAhead>(list, table, width, first, emit);
  if (left() >= 8 && kMaxAccumulators > 8) {
    sum_columns<Real, 8, kAhead>(list, table, width, first, emit);
    first += 8 * kLanes<Real>;
  }
  if (left() >= 4) {
    sum_columns<Real, 4, kAhead>(list, table, width, first, emit);
    first += 4 * kLanes<Real>;
  }
  if (left() >= 2) {
    sum_columns<Real, 2, kAhead>(list, table, width, first, emit);
    first += 2 * kLanes<Real>;
  }
  if (left() >= 1) sum_columns<Real, 1, kAhead>(list, table, width, first, emit);
}

template <class Real, int kRuns, class Stored, class Emit>
SIREN_INLINE void sum_row(const CsrView& csr, std::int64_t r, const Stored* table,
                          std::int64_t width, Emit emit) {
  const std::int64_t begin = csr.offsets[r];
  RowList<Real, kRuns> list{csr.columns + begin, csr.offsets[r + 1] - begin};
  if constexpr (kRuns == 2) {
    list.light = csr.split[r] - begin;
    list.weight = static_cast<Real>(csr.light_weight);
  }
  sum_list<kPrefetchDistance>(list, table, width, emit);
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
