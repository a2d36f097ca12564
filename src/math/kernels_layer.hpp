// SPDX-License-Identifier: Apache-2.0
// Products of a layer of the propagation: what it begins with, and what becomes of a finished sum, in
// the forward, in the adjoint, and where it is only stored. Private to the kernels: see kernels_isa.cpp.
#pragma once

#include "kernels_sparse.hpp"
#include "math/kernels.hpp"
#include "simd.hpp"

namespace siren::inline math::SIREN_KERNEL_NAMESPACE {
namespace {

/// The width for which the products are compiled with constant strides and trip counts, too: that is
/// worth most where rows have few edges.
inline constexpr std::int64_t kUsualWidth = 64;

/// What becomes of a sum that is only stored.
template <class Stored>
struct StoredRows {
  Stored* rows;
};

/// A sum of few rows takes less time than a row of the output takes to come from memory.
inline constexpr std::int64_t kRowsAhead = 8;

/// Asks for what will be read of the output's row r.
template <class Real, class Stored>
SIREN_INLINE void expect(const LayerOutput<Real, Stored>& to, std::int64_t r, std::int64_t width) {
  if (const Real* sum = row_at(to.sum, to.places, r, width)) prefetch_row(sum, width);
}
template <class Real, class Stored>
SIREN_INLINE void expect(const AdjointOutput<Real, Stored>& to, std::int64_t r,
                         std::int64_t width) {
  if (const Real* g = row_at(to.g, to.places, r, width)) prefetch_row(g, width);
}
template <class Out>
SIREN_INLINE void expect(const StoredRows<Out>&, std::int64_t, std::int64_t) {}

/// Columns [c, c + one vector) of row r with what others have summed for it.
template <class Real, class Stored>
SIREN_INLINE Vec<Real> complete(const PartialSums<Stored>& others, std::int64_t r, std::int64_t c,
                                std::int64_t width, Vec<Real> x) {
  if (others.offsets == nullptr) return x;
  for (std::int64_t e = others.offsets[r]; e < others.offsets[r + 1]; ++e)
    x += load(others.arrays[others.entries[e].array] + others.entries[e].row * width + c);
  return x;
}

/// finish(to, r, width)(c, x) disposes of columns [c, c + one vector) of row r, whose sum over the
/// own edges is x.
template <class Real, class Stored>
SIREN_INLINE auto finish(const LayerOutput<Real, Stored>& to, std::int64_t r, std::int64_t width) {
  Stored* const next = to.next == nullptr ? nullptr : to.next + r * width;
  Real* const sum = row_at(to.sum, to.places, r, width);
  const Real next_scale = next == nullptr ? Real{0} : to.next_scale[r];
  const Real sum_scale = to.sum_scale[r];
  return [=, &to](std::int64_t c, Vec<Real> x) {
    x = complete<Real>(to.partial, r, c, width, x);
    if (next != nullptr) store(next + c, x * next_scale);
    if (sum != nullptr) store(sum + c, load(sum + c) + x * sum_scale);
  };
}

template <class Real, class Stored>
SIREN_INLINE auto finish(const AdjointOutput<Real, Stored>& to, std::int64_t r,
                         std::int64_t width) {
  const bool last = to.next == nullptr;
  const Real* const g = row_at(to.g, to.places, r, width);
  const Real scale = last ? to.result_scale[r] : to.next_scale[r];
  const Real g_scale = last ? to.share : to.start_scale[r];
  return [=, &to](std::int64_t c, Vec<Real> x) {
    x = complete<Real>(to.partial, r, c, width, x) * scale +
        (g == nullptr ? Vec<Real>{} : load(g + c)) * g_scale;
    if (last)
      store(to.result + r * width + c, x);
    else
      store(to.next + r * width + c, x);
  };
}

template <class Out>
SIREN_INLINE auto finish(const StoredRows<Out>& to, std::int64_t r, std::int64_t width) {
  return [row = to.rows + r * width](std::int64_t c, auto x) { store(row + c, x); };
}

template <class Real, int kRuns, class Stored, class Output>
SIREN_INLINE void product_rows(CsrView csr, const Stored* table, std::int64_t width,
                               std::int64_t begin, std::int64_t end, Output to) {
  for (std::int64_t r = begin; r < end; ++r) {
    if (r + kRowsAhead < end) expect(to, r + kRowsAhead, width);
    sum_row<Real, kRuns>(csr, r, table, width, finish(to, r, width));
  }
}

/// A function of its own: inlined beside the rows of one run it would change how those are compiled,
/// and so where multiplications are fused with additions.
template <class Real, class Stored, class Output>
[[gnu::noinline]] void product_of_runs(const CsrView& csr, const Stored* table, std::int64_t width,
                                       std::int64_t begin, std::int64_t end, const Output& to) {
  product_rows<Real, 2>(csr, table, width, begin, end, to);
}

template <class Real, class Stored, class Output>
void product_to(const CsrView& csr, const Stored* table, std::int64_t width, std::int64_t begin,
                std::int64_t end, const Output& to) {
  if (csr.split != nullptr)
    product_of_runs<Real>(csr, table, width, begin, end, to);
  else if (width == kUsualWidth)
    product_rows<Real, 1>(csr, table, kUsualWidth, begin, end, to);
  else
    product_rows<Real, 1>(csr, table, width, begin, end, to);
}

/// To sums or to the wire.
template <class Real, class Stored, class Out>
void product_to_rows(const CsrView& csr, const Stored* table, std::int64_t width,
                     std::int64_t begin, std::int64_t end, Out* rows) {
  product_to<Real>(csr, table, width, begin, end, StoredRows<Out>{rows});
}

template <class Real, class Stored, class Output>
void sums_to(const Real* sums, std::int64_t width, std::int64_t begin, std::int64_t end,
             const Output& to) {
  for (std::int64_t r = begin; r < end; ++r) {
    const auto finish_columns = finish(to, r, width);
    for (std::int64_t c = 0; c < width; c += kLanes<Real>)
      finish_columns(c, load(sums + r * width + c));
  }
}

template <class Real, class Stored>
void begin_layers(const LayerInput<Real>& input, std::int64_t width, std::int64_t begin,
                  std::int64_t end, Stored* table, Real* mean) {
  for (std::int64_t r = begin; r < end; ++r) {
    Real* const share = row_at(mean, input.places, r, width);
    for (std::int64_t c = 0; c < width; c += kLanes<Real>) {
      const Vec<Real> x = load(input.x + r * width + c);
      store(table + r * width + c, x * input.scale[r]);
      if (share != nullptr) store(share + c, x * input.share);
    }
  }
}

template <class Real, class Stored>
void begin_adjoint(const AdjointOutput<Real, Stored>& to, std::int64_t width, std::int64_t begin,
                   std::int64_t end, Stored* table) {
  for (std::int64_t r = begin; r < end; ++r) {
    const Real* const given = row_at(to.g, to.places, r, width);
    for (std::int64_t c = 0; c < width; c += kLanes<Real>) {
      const Vec<Real> g = given == nullptr ? Vec<Real>{} : load(given + c);
      store(table + r * width + c, g * to.start_scale[r]);
      if (to.next == nullptr) store(to.result + r * width + c, g * to.share);
    }
  }
}

}  // namespace
}  // namespace siren::inline math::SIREN_KERNEL_NAMESPACE
