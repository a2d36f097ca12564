// SPDX-License-Identifier: Apache-2.0
// Row-wise parts of the MLP and the attention, each forward beside its backward. Private to the
// kernels: see kernels_isa.cpp.
#pragma once

#include "math/kernels.hpp"
#include "simd.hpp"
#include "simd_exp.hpp"

namespace siren::inline math::SIREN_KERNEL_NAMESPACE {
namespace {

/// x scaled where the mask keeps it, zero elsewhere.
template <class Real>
SIREN_INLINE Vec<Real> dropout(const DropoutMask<Real>& mask, std::int64_t row, std::int64_t column,
                               Vec<Real> x) {
  if (mask.words == nullptr) return x;
  const std::uint64_t word = mask.words[row * mask.words_per_row + (column >> 6)] >> (column & 63);
  return select<Real>(lanes_of<Real>(word), x * mask.scale, Vec<Real>{});
}

template <class Real>
void relu_dropout(Real* y, const Real* bias, std::int64_t rows, std::int64_t width,
                  const DropoutMask<Real>& mask) {
  for (std::int64_t r = 0; r < rows; ++r, y += width)
    for (std::int64_t c = 0; c < width; c += kLanes<Real>) {
      const Vec<Real> x = load(y + c) + load(bias + c);
      store(y + c,
            dropout<Real>(mask, r, c, select<Real>(x < Real(0), Vec<Real>{}, x)));  // NaN stays NaN
    }
}

template <class Real>
void relu_dropout_backward(const Real* y, Real* d, std::int64_t rows, std::int64_t width,
                           Real scale, Real* bias_gradient) {
  for (std::int64_t r = 0; r < rows; ++r, y += width, d += width)
    for (std::int64_t c = 0; c < width; c += kLanes<Real>) {
      // y > 0 exactly where relu was active and dropout kept the value
      const Vec<Real> slope = select<Real>(load(y + c) > Real(0), load(d + c) * scale, Vec<Real>{});
      store(d + c, slope);
      store(bias_gradient + c, load(bias_gradient + c) + slope);
    }
}

template <class Real>
void tanh_score(Real* h, std::int64_t rows, const ScoreHead<Real>& head, Real* score) {
  for (std::int64_t r = 0; r < rows; ++r, h += head.width) {
    Vec<Real> sum{};
    for (std::int64_t c = 0; c < head.width; c += kLanes<Real>) {
      const Vec<Real> t = tanh_of<Real>(load(h + c) + load(head.bias + c));
      store(h + c, t);
      sum += load(head.query + c) * dropout<Real>(head.mask, r, c, t);
    }
    score[r] = add_lanes<Real>(sum);
  }
}

template <class Real>
void tanh_score_backward(Real* h, const Real* ds, std::int64_t rows, const ScoreHead<Real>& head,
                         Real* query_gradient, Real* bias_gradient) {
  for (std::int64_t r = 0; r < rows; ++r, h += head.width)
    for (std::int64_t c = 0; c < head.width; c += kLanes<Real>) {
      const Vec<Real> t = load(h + c);
      const Vec<Real> through = dropout<Real>(head.mask, r, c, broadcast<Real>(ds[r]));
      store(query_gradient + c, load(query_gradient + c) + through * t);
      const Vec<Real> d = through * load(head.query + c) * (Real(1) - t * t);
      store(h + c, d);
      store(bias_gradient + c, load(bias_gradient + c) + d);
    }
}

template <class Real>
void blend(const BranchRows<Real>& z, const Real* score_p, const Real* score_n, Real* share,
           Real* out) {
  for (std::int64_t r = 0; r < z.rows; r += kLanes<Real>) {
    const Vec<Real> p = load_some(score_p + r, z.rows - r);
    const Vec<Real> n = load_some(score_n + r, z.rows - r);
    const Vec<Real> first = Real(1) / (Real(1) + exp_of<Real>(n - p));
    store_some<Real>(share + r, z.rows - r, first);
  }
  for (std::int64_t r = 0; r < z.rows; ++r)
    for (std::int64_t c = r * z.width; c < (r + 1) * z.width; c += kLanes<Real>)
      store(out + c, load(z.zn + c) + share[r] * (load(z.zp + c) - load(z.zn + c)));
}

template <class Real>
void blend_backward(const BranchRows<Real>& z, const Real* share, const Real* dz, Real* ds,
                    Real* dzp, Real* dzn) {
  for (std::int64_t r = 0; r < z.rows; ++r) {
    Vec<Real> difference{};
    for (std::int64_t c = r * z.width; c < (r + 1) * z.width; c += kLanes<Real>) {
      const Vec<Real> d = load(dz + c);
      difference += d * (load(z.zp + c) - load(z.zn + c));
      store(dzp + c, share[r] * d);
      store(dzn + c, (Real(1) - share[r]) * d);
    }
    ds[r] = share[r] * (Real(1) - share[r]) * add_lanes<Real>(difference);
  }
}

}  // namespace
}  // namespace siren::inline math::SIREN_KERNEL_NAMESPACE
