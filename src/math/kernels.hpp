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

#include "math/isa.hpp"
#include "math/kernel_arguments.hpp"
#include "math/precision.hpp"

namespace siren::inline math {

inline constexpr int kGatherVariants = 4;

/// Word w of counter i to out[w * padded_random(count) + i]; out [4 x padded_random(count)].
using RandomWords = void (*)(const RandomCounters&, std::uint32_t* out);

template <class Precision>
struct Kernels {
  using Real = typename Precision::Real;
  using Stored = typename Precision::Stored;

  // ---- sparse: x[r] = sum of table rows columns(r), for r in [begin, end)
  /// sums[r] = x[r]
  void (*product_to_sums)(const CsrView&, const Stored* table, std::int64_t width,
                          std::int64_t begin, std::int64_t end, Real* sums);
  /// wire[r] = x[r] in storage precision
  void (*product_to_wire)(const CsrView&, const Stored* table, std::int64_t width,
                          std::int64_t begin, std::int64_t end, Stored* wire);
  void (*product_to_layer)(const CsrView&, const Stored* table, std::int64_t width,
                           std::int64_t begin, std::int64_t end, const LayerOutput<Real, Stored>&);
  /// The same output from sums that were completed elsewhere.
  void (*sums_to_layer)(const Real* sums, std::int64_t width, std::int64_t begin, std::int64_t end,
                        const LayerOutput<Real, Stored>&);
  void (*product_to_adjoint)(const CsrView&, const Stored* table, std::int64_t width,
                             std::int64_t begin, std::int64_t end,
                             const AdjointOutput<Real, Stored>&);
  void (*sums_to_adjoint)(const Real* sums, std::int64_t width, std::int64_t begin,
                          std::int64_t end, const AdjointOutput<Real, Stored>&);
  /// For r in [begin, end): table[r] = scale[r] x[r], mean[place of r] = share x[r]
  void (*begin_layers)(const LayerInput<Real>&, std::int64_t width, std::int64_t begin,
                       std::int64_t end, Stored* table, Real* mean);
  /// For r in [begin, end): table[r] = start_scale[r] g(r), the adjoint's first table; where next is
  /// null, no layer follows: result[r] = share g(r), too.
  void (*begin_adjoint)(const AdjointOutput<Real, Stored>&, std::int64_t width, std::int64_t begin,
                        std::int64_t end, Stored* table);
  /// stored[r] = x[r] in storage precision, r in [begin, end)
  void (*store_rows)(const Real* x, std::int64_t width, std::int64_t begin, std::int64_t end,
                     Stored* stored);
  /// sums[rows[i]] += incoming[i], i in [begin, end)
  void (*add_rows)(const Stored* incoming, const std::int32_t* rows, std::int64_t width,
                   std::int64_t begin, std::int64_t end, Real* sums);

  // ---- dense
  void (*multiply)(const Product<Real>&);
  /// y = dropout(relu(y + bias)) in place
  void (*relu_dropout)(Real* y, const Real* bias, std::int64_t rows, std::int64_t width,
                       const DropoutMask<Real>&);
  /// From y (after dropout) and d = dL/dy: d becomes dL/d(before relu); bias_gradient += column
  /// sums.
  void (*relu_dropout_backward)(const Real* y, Real* d, std::int64_t rows, std::int64_t width,
                                Real scale, Real* bias_gradient);
  /// h = tanh(h + bias) in place, score[r] = q . dropout(h[r])
  void (*tanh_score)(Real* h, std::int64_t rows, const ScoreHead<Real>&, Real* score);
  /// From h and ds = dL/dscore: h becomes dL/d(before tanh); query_gradient, bias_gradient
  /// accumulate.
  void (*tanh_score_backward)(Real* h, const Real* ds, std::int64_t rows, const ScoreHead<Real>&,
                              Real* query_gradient, Real* bias_gradient);
  /// share[r] = softmax of (score_p, score_n), the first of two; z = share zp + (1 - share) zn
  void (*blend)(const BranchRows<Real>&, const Real* score_p, const Real* score_n, Real* share,
                Real* z);
  /// From dz: ds[r] = dL/dscore_p = -dL/dscore_n; dzp = share dz, dzn = (1 - share) dz (dzn may be
  /// dz).
  void (*blend_backward)(const BranchRows<Real>&, const Real* share, const Real* dz, Real* ds,
                         Real* dzp, Real* dzn);

  // ---- batch
  /// out[i] = u . table[slots[i]]
  void (*dots)(const Real* u, const Stored* table, const std::int32_t* slots, std::int64_t count,
               std::int64_t width, Real* out);
  /// acc += sum_i weights[i] table[slots[i]]
  void (*weighted_sum)(const Stored* table, const std::int32_t* slots, const Real* weights,
                       std::int64_t count, std::int64_t width, Real* acc);
  /// The same over rows in Real.
  void (*weighted_sum_real)(const Real* table, const std::int32_t* slots, const Real* weights,
                            std::int64_t count, std::int64_t width, Real* acc);
  /// to += factor x for a row; returns |x|^2
  double (*add_scaled)(const Real* x, Real factor, std::int64_t width, Real* to);
  /// The same for a stored row.
  double (*add_scaled_stored)(const Stored* x, Real factor, std::int64_t width, Real* to);
  /// term[i] = -log sigma(x[i]); x[i] becomes its slope, -sigma(-x[i])
  void (*log_sigmoid)(Real* x, Real* term, std::int64_t count);

  // ---- softmax; count is a multiple of kRowPadding
  /// x[i] = factor x[i] + shift[i]; returns the largest
  Real (*scale_and_shift)(Real* x, Real factor, const Real* shift, std::int64_t count);
  /// x[i] = exp(x[i] - largest), for no x[i] > largest; returns their sum. Arguments below the range
  /// of normal results count as its end.
  Real (*exp_and_sum)(Real* x, Real largest, std::int64_t count);
  /// x[i] *= factor
  void (*scale)(Real* x, Real factor, std::int64_t count);

  // ---- ranking
  /// Writes to `found` [count] those i in [0, count) with scores[i] >= threshold, ascending;
  /// returns how many. NaN is never among them.
  std::int64_t (*at_least)(const Real* scores, std::int64_t count, Real threshold,
                           std::int32_t* found);

  // ---- optimiser; count is a multiple of kRowPadding
  /// False if a new parameter or second moment is not finite; so it is if the gradient, or its
  /// square, or a first moment is not.
  bool (*adam)(Real* parameter, Real* first_moment, Real* second_moment, const Real* gradient,
               std::int64_t count, const AdamStep<Real>&);
  /// The same for rows [begin, end) of tables with a compact gradient.
  bool (*adam_rows)(const AdamRows<Real>&, std::int64_t begin, std::int64_t end,
                    const AdamStep<Real>&);
  /// mean += weight (value - mean)
  void (*mix)(Real* mean, const Real* value, Real weight, std::int64_t count);

  // ---- random numbers (core/rng.hpp), the same for every Precision
  RandomWords random_words;

  // ---- the machine's limits (distributed/machine_limits.hpp): the least that the kernels above must do
  /// out [width] += the sum of table rows columns[0 .. count), with no more to it than that;
  /// `variant` in [0, kGatherVariants) chooses how far ahead rows are prefetched.
  void (*gather)(const std::int32_t* columns, std::int64_t count, const Stored* table,
                 std::int64_t width, int variant, Real* out);
  /// a = b + factor c; count is a multiple of kRowPadding
  void (*triad)(Real* a, const Real* b, const Real* c, Real factor, std::int64_t count);
  /// Multiply-adds on registers, from and to out [3]; returns how many operations they were.
  double (*multiply_adds)(std::int64_t rounds, Real* out);
};

/// The table for an instruction set that this binary contains. Defined for Fp32, Bf16 and Fp64.
template <class Precision>
const Kernels<Precision>& kernels(Isa isa);

}  // namespace siren::inline math
