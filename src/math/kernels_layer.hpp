// SPDX-License-Identifier: Apache-2.0
// Products of a layer of the propagation: what it begins with, and what becomes of a finished sum, in
// the forward, in the adjoint, and where it is only stored. Private to the kernels: see kernels_isa.cpp.
#pragma once

#include "siren/math/kernels.hpp"

#include "kernels_sparse.hpp"
#include "simd.hpp"

namespace siren::SIREN_KERNEL_NAMESPACE {
namespace {

SIREN_INLINE bool has(const std::uint8_t* rows, std::int64_t r) {
  return rows == nullptr || rows[r] != 0;
}

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

/// Asks for what finish() will read of row r.
template <class Real, class Stored>
SIREN_INLINE void expect(const LayerOutput<Real, Stored>& to, std::int64_t r, std::int64_t width) {
  if (has(to.wanted, r)) prefetch_row(to.sum + r * width, width);
}
template <class Real, class Stored>
SIREN_INLINE void expect(const AdjointOutput<Real, Stored>& to,
                         std::int64_t r,
                         std::int64_t width) {
  if (has(to.given, r)) prefetch_row(to.g + r * width, width);
}

template <class Out>
SIREN_INLINE void expect(const StoredRows<Out>&, std::int64_t, std::int64_t) {}

/// Columns [c, c + one vector) of row r with what others have summed for it.
template <class Real, class Stored>
SIREN_INLINE Vec<Real> complete(const PartialSums<Stored>& others,
                                std::int64_t r,
                                std::int64_t c,
                                std::int64_t width,
                                Vec<Real> x) {
  if (others.offsets == nullptr) return x;
  for (std::int64_t e = others.offsets[r]; e < others.offsets[r + 1]; ++e)
    x += load(others.arrays[others.entries[e].array] + others.entries[e].row * width + c);
  return x;
}

/// Columns [c, c + one vector) of row r, whose sum over the own edges is x.
template <class Real, class Stored>
SIREN_INLINE void finish(const LayerOutput<Real, Stored>& to,
                         std::int64_t r,
                         std::int64_t c,
                         std::int64_t width,
                         Vec<Real> x) {
  x = complete<Real>(to.partial, r, c, width, x);
  const std::int64_t at = r * width + c;
  if (to.next != nullptr) store(to.next + at, x * to.next_scale[r]);
  if (has(to.wanted, r)) store(to.sum + at, load(to.sum + at) + x * to.sum_scale[r]);
}

template <class Real, class Stored>
SIREN_INLINE void finish(const AdjointOutput<Real, Stored>& to,
                         std::int64_t r,
                         std::int64_t c,
                         std::int64_t width,
                         Vec<Real> x) {
  x = complete<Real>(to.partial, r, c, width, x);
  const std::int64_t at = r * width + c;
  const Vec<Real> g = has(to.given, r) ? load(to.g + at) : Vec<Real>{};
  if (to.next != nullptr)
    store(to.next + at, x * to.next_scale[r] + g * to.start_scale[r]);
  else
    store(to.result + at, x * to.result_scale[r] + g * to.share);
}

template <class Real, class Out>
SIREN_INLINE void finish(
    const StoredRows<Out>& to, std::int64_t r, std::int64_t c, std::int64_t width, Vec<Real> x) {
  store(to.rows + r * width + c, x);
}

template <class Real, class Stored, class Output>
SIREN_INLINE void product_rows(CsrView csr,
                               const Stored* table,
                               std::int64_t width,
                               std::int64_t begin,
                               std::int64_t end,
                               Output to) {
  for (std::int64_t r = begin; r < end; ++r) {
    if (r + kRowsAhead < end) expect(to, r + kRowsAhead, width);
    sum_row<Real>(csr, r, table, width, [&to, r, width](std::int64_t c, Vec<Real> x) {
      finish<Real>(to, r, c, width, x);
    });
  }
}

template <class Real, class Stored, class Output>
void product_to(const CsrView& csr,
                const Stored* table,
                std::int64_t width,
                std::int64_t begin,
                std::int64_t end,
                const Output& to) {
  if (width == kUsualWidth)
    product_rows<Real>(csr, table, kUsualWidth, begin, end, to);
  else
    product_rows<Real>(csr, table, width, begin, end, to);
}

/// To sums or to the wire.
template <class Real, class Stored, class Out>
void product_to_rows(const CsrView& csr,
                     const Stored* table,
                     std::int64_t width,
                     std::int64_t begin,
                     std::int64_t end,
                     Out* rows) {
  product_to<Real>(csr, table, width, begin, end, StoredRows<Out>{rows});
}

template <class Real, class Stored, class Output>
void sums_to(
    const Real* sums, std::int64_t width, std::int64_t begin, std::int64_t end, const Output& to) {
  for (std::int64_t r = begin; r < end; ++r)
    for (std::int64_t c = 0; c < width; c += kLanes<Real>)
      finish<Real>(to, r, c, width, load(sums + r * width + c));
}

template <class Real, class Stored>
void begin_layers(const LayerInput<Real>& input,
                  std::int64_t width,
                  std::int64_t begin,
                  std::int64_t end,
                  Stored* table,
                  Real* mean) {
  for (std::int64_t r = begin; r < end; ++r) {
    const bool wanted = has(input.wanted, r);
    for (std::int64_t at = r * width; at < (r + 1) * width; at += kLanes<Real>) {
      const Vec<Real> x = load(input.x + at);
      store(table + at, x * input.scale[r]);
      if (wanted) store(mean + at, x * input.share);
    }
  }
}

template <class Real, class Stored>
void begin_adjoint(const AdjointOutput<Real, Stored>& to,
                   std::int64_t width,
                   std::int64_t begin,
                   std::int64_t end,
                   Stored* table) {
  for (std::int64_t r = begin; r < end; ++r) {
    const bool given = has(to.given, r);
    for (std::int64_t at = r * width; at < (r + 1) * width; at += kLanes<Real>) {
      const Vec<Real> g = given ? load(to.g + at) : Vec<Real>{};
      store(table + at, g * to.start_scale[r]);
      if (to.next == nullptr) store(to.result + at, g * to.share);
    }
  }
}

}  // namespace
}  // namespace siren::SIREN_KERNEL_NAMESPACE
