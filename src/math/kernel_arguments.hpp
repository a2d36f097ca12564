// SPDX-License-Identifier: Apache-2.0
// What kernels (math/kernels.hpp) are given. All of it is borrowed.
#pragma once

#include <cstdint>

namespace siren::inline math {

/// Compressed sparse rows without values: degree scalings are separable, and besides them only two
/// weights occur. Row r has the columns columns[offsets[r]] .. columns[offsets[r + 1] - 1]; those
/// before columns[split[r]] weigh light_weight, the others 1. Non-owning. The array of columns must
/// be readable for kColumnSlack entries past its end (prefetch).
struct CsrView {
  const std::int64_t* offsets;
  const std::int32_t* columns;
  const std::int64_t* split = nullptr;  // null: all columns weigh 1
  double light_weight = 1.0;
};
inline constexpr std::int64_t kColumnSlack = 32;

/// Sums that others have made for row r: the entries offsets[r] .. offsets[r + 1] - 1, in the order
/// in which they are to be added.
template <class Stored>
struct PartialSums {
  struct Entry {
    std::int32_t array;
    std::int32_t row;  // of that array
  };
  const std::int64_t* offsets = nullptr;  // null = none for any row
  const Entry* entries = nullptr;
  const Stored* const* arrays = nullptr;
};

/// Which row of a compact matrix belongs to row r of a table: places[r], none where that is
/// negative. Null: row r, the matrix being as long as the table.
using Places = const std::int32_t*;

/// What a propagation begins with: x itself is a share of the mean, and scaled the first table.
template <class Real>
struct LayerInput {
  const Real* x;
  const Real* scale;
  Real share;
  Places places = nullptr;  // of the mean, which has the rows that somebody will read
};

/// What becomes of a finished row x of a propagation layer: next[r] = next_scale[r] x (the scaled
/// input of the next layer; skipped when null), sum[place of r] += sum_scale[r] x.
template <class Real, class Stored>
struct LayerOutput {
  Stored* next;
  const Real* next_scale;
  Real* sum;
  const Real* sum_scale;
  Places places = nullptr;           // of the sum
  PartialSums<Stored> partial = {};  // first to be added to x
};

/// What becomes of it in the adjoint, which is evaluated in Horner's form:
///   next[r] = next_scale[r] x + start_scale[r] g(r)      every layer but the last
///   result[r] = result_scale[r] x + share g(r)           the last: next is null
/// with g(r) = g[place of r], zero where there is none.
template <class Real, class Stored>
struct AdjointOutput {
  Stored* next;
  const Real* next_scale;
  const Real* start_scale;
  Real* result;
  const Real* result_scale;
  Real share;
  const Real* g;
  Places places = nullptr;           // of g
  PartialSums<Stored> partial = {};  // first to be added to x
};

/// C [rows x columns] = A B, or C += A B, with A(i, k) at a[i * row_step + k * depth_step] (so that
/// A may be a transpose), B [depth x columns] with stride ldb. columns is a multiple of
/// kRowPadding.
template <class Real>
struct Product {
  const Real* a;
  std::int64_t row_step;
  std::int64_t depth_step;
  const Real* b;
  std::int64_t ldb;
  Real* c;
  std::int64_t ldc;
  std::int64_t rows;
  std::int64_t depth;
  std::int64_t columns;
  bool accumulate;
};

template <class Real>
struct AdamStep {
  Real learning_rate;  // already divided by 1 - beta1^t
  Real beta1;
  Real beta2;
  Real inverse_root_bias;  // 1 / sqrt(1 - beta2^t)
  Real epsilon;
};

/// Tables [rows x width] that a step of the optimiser updates, and their gradient, a compact matrix:
/// zero where a row has no place in it.
template <class Real>
struct AdamRows {
  Real* parameter;
  Real* first_moment;
  Real* second_moment;
  const Real* gradient;
  Places places;
  std::int64_t width;
};

/// Row blocks of the dense part. A mask row holds one bit per column in words of 64; null = keep
/// all.
template <class Real>
struct DropoutMask {
  const std::uint64_t* words;
  std::int64_t words_per_row;
  Real scale;
};

template <class Real>
struct ScoreHead {
  const Real* bias;   // [width] b_a
  const Real* query;  // [width] q
  std::int64_t width;
  DropoutMask<Real> mask;
};

/// The same rows of both branches: zp, zn [rows x width].
template <class Real>
struct BranchRows {
  const Real* zp;
  const Real* zn;
  std::int64_t rows;
  std::int64_t width;
};

/// `count` Philox counters. Word w of counter i is varying[w][i], or common[w] where that is null;
/// the arrays must be readable for padded_random(count) entries.
struct RandomCounters {
  std::uint32_t key[2];  // seed, purpose
  std::uint32_t common[4];
  const std::uint32_t* varying[4];
  std::int64_t count;
};
inline constexpr std::int64_t kRandomLanes = 16;
constexpr std::int64_t padded_random(std::int64_t count) {
  return (count + kRandomLanes - 1) / kRandomLanes * kRandomLanes;
}

}  // namespace siren::inline math
