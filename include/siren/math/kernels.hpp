// SPDX-License-Identifier: Apache-2.0
// The inner loops, compiled once per instruction set and reached through a table of functions. They
// are serial and know neither threads nor ranks: callers split the rows.
//
// Conventions. `width` is a padded row length (math/matrix.hpp); rows are contiguous with that
// stride unless a stride is named. Every value is computed by the same sequence of operations
// wherever its row stands and however the rows are split, so results do not depend on threads or
// tiles.
#pragma once

#include <cstdint>

#include "siren/math/isa.hpp"
#include "siren/math/precision.hpp"

namespace siren {

/// Compressed sparse rows without values (the graph's weights are separable degree scalings). Row r
/// has the columns columns[offsets[r]] .. columns[offsets[r + 1] - 1]. Non-owning. The array of
/// columns must be readable for kColumnSlack entries past its end (prefetch).
struct CsrView {
  const std::int64_t* offsets;
  const std::int32_t* columns;
};
inline constexpr std::int64_t kColumnSlack = 32;

/// What a propagation begins with: x itself is a share of the mean, and scaled the first table.
template <class Real>
struct LayerInput {
  const Real* x;
  const Real* scale;
  Real share;
};

/// What becomes of a finished row x of a propagation layer: next[r] = next_scale[r] x (the scaled
/// input of the next layer; skipped when null), sum[r] += sum_scale[r] x.
template <class Real, class Stored>
struct LayerOutput {
  Stored* next;
  const Real* next_scale;
  Real* sum;
  const Real* sum_scale;
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

/// The Philox counters (common[0], common[1], common[2], first + i), i in [0, count).
struct RandomCounters {
  std::uint32_t key[2];  // seed, purpose
  std::uint32_t common[3];
  std::uint32_t first;
  std::int64_t count;
};
inline constexpr std::int64_t kRandomLanes = 16;
constexpr std::int64_t padded_random(std::int64_t count) {
  return (count + kRandomLanes - 1) / kRandomLanes * kRandomLanes;
}

inline constexpr int kGatherVariants = 4;

template <class Precision>
struct Kernels {
  using Real = typename Precision::Real;
  using Stored = typename Precision::Stored;

  // ---- sparse: x[r] = sum of table rows columns(r), for r in [begin, end)
  /// sums[r] = x[r]
  void (*product_to_sums)(const CsrView&,
                          const Stored* table,
                          std::int64_t width,
                          std::int64_t begin,
                          std::int64_t end,
                          Real* sums);
  /// wire[r] = x[r] in storage precision
  void (*product_to_wire)(const CsrView&,
                          const Stored* table,
                          std::int64_t width,
                          std::int64_t begin,
                          std::int64_t end,
                          Stored* wire);
  void (*product_to_layer)(const CsrView&,
                           const Stored* table,
                           std::int64_t width,
                           std::int64_t begin,
                           std::int64_t end,
                           const LayerOutput<Real, Stored>&);
  /// The same output from sums that were completed elsewhere.
  void (*sums_to_layer)(const Real* sums,
                        std::int64_t width,
                        std::int64_t begin,
                        std::int64_t end,
                        const LayerOutput<Real, Stored>&);
  /// For r in [begin, end): table[r] = scale[r] x[r], mean[r] = share x[r]
  void (*begin_layers)(const LayerInput<Real>&,
                       std::int64_t width,
                       std::int64_t begin,
                       std::int64_t end,
                       Stored* table,
                       Real* mean);
  /// stored[r] = scale[r] x[r] (scale null = 1)
  void (*scale_rows)(const Real* x,
                     const Real* scale,
                     std::int64_t width,
                     std::int64_t begin,
                     std::int64_t end,
                     Stored* stored);
  /// sums[rows[i]] += incoming[i], i in [begin, end)
  void (*add_rows)(const Stored* incoming,
                   const std::int32_t* rows,
                   std::int64_t width,
                   std::int64_t begin,
                   std::int64_t end,
                   Real* sums);

  // ---- dense
  void (*multiply)(const Product<Real>&);
  /// y = dropout(relu(y + bias)) in place
  void (*relu_dropout)(
      Real* y, const Real* bias, std::int64_t rows, std::int64_t width, const DropoutMask<Real>&);
  /// From y (after dropout) and d = dL/dy: d becomes dL/d(before relu); bias_gradient += column
  /// sums.
  void (*relu_dropout_backward)(const Real* y,
                                Real* d,
                                std::int64_t rows,
                                std::int64_t width,
                                Real scale,
                                Real* bias_gradient);
  /// h = tanh(h + bias) in place, score[r] = q . dropout(h[r])
  void (*tanh_score)(Real* h, std::int64_t rows, const ScoreHead<Real>&, Real* score);
  /// From h and ds = dL/dscore: h becomes dL/d(before tanh); query_gradient, bias_gradient
  /// accumulate.
  void (*tanh_score_backward)(Real* h,
                              const Real* ds,
                              std::int64_t rows,
                              const ScoreHead<Real>&,
                              Real* query_gradient,
                              Real* bias_gradient);
  /// share[r] = softmax of (score_p, score_n), the first of two; z = share zp + (1 - share) zn
  void (*blend)(
      const BranchRows<Real>&, const Real* score_p, const Real* score_n, Real* share, Real* z);
  /// From dz: ds[r] = dL/dscore_p = -dL/dscore_n; dzp = share dz, dzn = (1 - share) dz (dzn may be
  /// dz).
  void (*blend_backward)(
      const BranchRows<Real>&, const Real* share, const Real* dz, Real* ds, Real* dzp, Real* dzn);

  // ---- batch
  /// out[i] = u . table[slots[i]]
  void (*dots)(const Real* u,
               const Stored* table,
               const std::int32_t* slots,
               std::int64_t count,
               std::int64_t width,
               Real* out);
  /// acc += sum_i weights[i] table[slots[i]]
  void (*weighted_sum)(const Stored* table,
                       const std::int32_t* slots,
                       const Real* weights,
                       std::int64_t count,
                       std::int64_t width,
                       Real* acc);
  /// The same over rows in Real.
  void (*weighted_sum_real)(const Real* table,
                            const std::int32_t* slots,
                            const Real* weights,
                            std::int64_t count,
                            std::int64_t width,
                            Real* acc);
  /// term[i] = -log sigma(x[i]); x[i] becomes its slope, -sigma(-x[i])
  void (*log_sigmoid)(Real* x, Real* term, std::int64_t count);

  // ---- ranking
  /// Writes to `found` [count] those i in [0, count) with scores[i] >= threshold, ascending;
  /// returns how many. NaN is never among them.
  std::int64_t (*at_least)(const Real* scores,
                           std::int64_t count,
                           Real threshold,
                           std::int32_t* found);

  // ---- optimiser; count is a multiple of kRowPadding
  /// False if a new parameter or second moment is not finite; so it is if the gradient, or its
  /// square, or a first moment is not.
  bool (*adam)(Real* parameter,
               Real* first_moment,
               Real* second_moment,
               const Real* gradient,
               std::int64_t count,
               const AdamStep<Real>&);
  /// mean += weight (value - mean)
  void (*mix)(Real* mean, const Real* value, Real weight, std::int64_t count);

  // ---- random numbers (core/rng.hpp), the same for every Precision
  /// Word w of counter i to out[w * padded_random(count) + i]; out [4 x padded_random(count)].
  void (*random_words)(const RandomCounters&, std::uint32_t* out);

  // ---- the machine's limits (dist/machine_limits.hpp): the least that the kernels above must do
  /// out [width] += the sum of table rows columns[0 .. count), with no more to it than that;
  /// `variant` in [0, kGatherVariants) chooses how far ahead rows are prefetched.
  void (*gather)(const std::int32_t* columns,
                 std::int64_t count,
                 const Stored* table,
                 std::int64_t width,
                 int variant,
                 Real* out);
  /// a = b + factor c; count is a multiple of kRowPadding
  void (*triad)(Real* a, const Real* b, const Real* c, Real factor, std::int64_t count);
  /// Multiply-adds on registers, from and to out [3]; returns how many operations they were.
  double (*multiply_adds)(std::int64_t rounds, Real* out);
};

/// The table for an instruction set that this binary contains. Defined for Fp32, Bf16 and Fp64.
template <class Precision>
const Kernels<Precision>& kernels(Isa isa);

}  // namespace siren
