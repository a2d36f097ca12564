// SPDX-License-Identifier: Apache-2.0
// Compiled once per instruction set (isa.cmake) into namespace SIREN_KERNEL_NAMESPACE. Uses nothing of
// the standard library, whose inline functions would be shared between the variants by the linker.
#include "siren/math/kernels.hpp"
#include "simd.hpp"

namespace siren::SIREN_KERNEL_NAMESPACE {
namespace {

constexpr std::int64_t kPrefetchDistance = 12;

// ---- sparse

template <class Stored>
SIREN_INLINE void prefetch_row(const Stored* row, std::int64_t width) {
  const char* at = reinterpret_cast<const char*>(row);
  for (std::int64_t byte = 0; byte < width * static_cast<std::int64_t>(sizeof(Stored)); byte += 64) __builtin_prefetch(at + byte);
}

/// Calls emit(column offset, vector) for the row sum of `count` table rows, `kVectors` vectors at a
/// time kept in registers.
template <class Real, int kVectors, class Stored, class Emit>
SIREN_INLINE void sum_columns(const std::int32_t* columns, std::int64_t count, const Stored* table, std::int64_t width, std::int64_t first, Emit emit) {
  Vec<Real> sum[kVectors] = {};
  for (std::int64_t e = 0; e < count; ++e) {
    __builtin_prefetch(columns + e + 64);
    const Stored* ahead = table + static_cast<std::int64_t>(columns[e + kPrefetchDistance]) * width + first;
    prefetch_row(ahead, kVectors * kLanes<Real>);
    const Stored* row = table + static_cast<std::int64_t>(columns[e]) * width + first;
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; ++v) sum[v] += load(row + v * kLanes<Real>);
  }
#pragma GCC unroll 16
  for (int v = 0; v < kVectors; ++v) emit(first + v * kLanes<Real>, sum[v]);
}

/// The same for pairs of bfloat16 vectors, kept apart by even and odd columns until the sum is done.
template <class Real, int kVectors, class Emit>
  requires(kVectors > 1)
SIREN_INLINE void sum_columns(const std::int32_t* columns, std::int64_t count, const Bfloat16* table, std::int64_t width, std::int64_t first, Emit emit) {
  EvenOdd sum[kVectors / 2] = {};
  for (std::int64_t e = 0; e < count; ++e) {
    __builtin_prefetch(columns + e + 64);
    const Bfloat16* ahead = table + static_cast<std::int64_t>(columns[e + kPrefetchDistance]) * width + first;
    prefetch_row(ahead, kVectors * kLanes<float>);
    const Bfloat16* row = table + static_cast<std::int64_t>(columns[e]) * width + first;
#pragma GCC unroll 8
    for (int v = 0; v < kVectors / 2; ++v) {
      const EvenOdd x = load_even_odd(row + 2 * v * kLanes<float>);
      sum[v].even += x.even;
      sum[v].odd += x.odd;
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

template <class Real, class Stored, class Emit>
SIREN_INLINE void sum_row(const CsrView& csr, std::int64_t r, const Stored* table, std::int64_t width, Emit emit) {
  const std::int32_t* columns = csr.columns + csr.offsets[r];
  const std::int64_t count = csr.offsets[r + 1] - csr.offsets[r];
  std::int64_t first = 0;
  const auto left = [&] { return (width - first) / kLanes<Real>; };
  for (; left() >= kMaxAccumulators; first += kMaxAccumulators * kLanes<Real>)
    sum_columns<Real, kMaxAccumulators>(columns, count, table, width, first, emit);
  if (left() >= 8 && kMaxAccumulators > 8) {
    sum_columns<Real, 8>(columns, count, table, width, first, emit);
    first += 8 * kLanes<Real>;
  }
  if (left() >= 4) {
    sum_columns<Real, 4>(columns, count, table, width, first, emit);
    first += 4 * kLanes<Real>;
  }
  if (left() >= 2) {
    sum_columns<Real, 2>(columns, count, table, width, first, emit);
    first += 2 * kLanes<Real>;
  }
  if (left() >= 1) sum_columns<Real, 1>(columns, count, table, width, first, emit);
}

template <class Real, class Stored>
void product_to_sums(const CsrView& csr, const Stored* table, std::int64_t width, std::int64_t begin, std::int64_t end, Real* sums) {
  for (std::int64_t r = begin; r < end; ++r)
    sum_row<Real>(csr, r, table, width, [out = sums + r * width](std::int64_t c, Vec<Real> x) { store(out + c, x); });
}

template <class Real, class Stored>
void product_to_wire(const CsrView& csr, const Stored* table, std::int64_t width, std::int64_t begin, std::int64_t end, Stored* wire) {
  for (std::int64_t r = begin; r < end; ++r)
    sum_row<Real>(csr, r, table, width, [out = wire + r * width](std::int64_t c, Vec<Real> x) { store(out + c, x); });
}

template <class Real, class Stored>
SIREN_INLINE void finish(const LayerOutput<Real, Stored>& to, std::int64_t r, std::int64_t at, Vec<Real> x) {
  if (to.next != nullptr) store(to.next + at, x * to.next_scale[r]);
  store(to.sum + at, load(to.sum + at) + x * to.sum_scale[r]);
}

template <class Real, class Stored>
void product_to_layer(const CsrView& csr, const Stored* table, std::int64_t width, std::int64_t begin, std::int64_t end, const LayerOutput<Real, Stored>& to) {
  for (std::int64_t r = begin; r < end; ++r)
    sum_row<Real>(csr, r, table, width, [&to, r, width](std::int64_t c, Vec<Real> x) { finish<Real, Stored>(to, r, r * width + c, x); });
}

template <class Real, class Stored>
void sums_to_layer(const Real* sums, std::int64_t width, std::int64_t begin, std::int64_t end, const LayerOutput<Real, Stored>& to) {
  for (std::int64_t r = begin; r < end; ++r)
    for (std::int64_t c = 0; c < width; c += kLanes<Real>) finish<Real, Stored>(to, r, r * width + c, load(sums + r * width + c));
}

template <class Real, class Stored>
void scale_rows(const Real* x, const Real* scale, std::int64_t width, std::int64_t begin, std::int64_t end, Stored* stored) {
  for (std::int64_t r = begin; r < end; ++r) {
    const Real factor = scale == nullptr ? Real(1) : scale[r];
    for (std::int64_t c = 0; c < width; c += kLanes<Real>) store(stored + r * width + c, load(x + r * width + c) * factor);
  }
}

template <class Real, class Stored>
void add_rows(const Stored* incoming, const std::int32_t* rows, std::int64_t width, std::int64_t begin, std::int64_t end, Real* sums) {
  for (std::int64_t i = begin; i < end; ++i) {
    Real* to = sums + rows[i] * width;
    for (std::int64_t c = 0; c < width; c += kLanes<Real>) store(to + c, load(to + c) + load(incoming + i * width + c));
  }
}

// ---- dense

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
  for (; j + kTileVectors * kLanes<Real> <= p.columns; j += kTileVectors * kLanes<Real>) multiply_columns<Real, kTileVectors>(p, j);
  for (; j < p.columns; j += kLanes<Real>) multiply_columns<Real, 1>(p, j);
}

/// x scaled where the mask keeps it, zero elsewhere.
template <class Real>
SIREN_INLINE Vec<Real> dropout(const DropoutMask<Real>& mask, std::int64_t row, std::int64_t column, Vec<Real> x) {
  if (mask.words == nullptr) return x;
  const std::uint64_t word = mask.words[row * mask.words_per_row + (column >> 6)] >> (column & 63);
  return select<Real>(lanes_of<Real>(word), x * mask.scale, Vec<Real>{});
}

template <class Real>
void relu_dropout(Real* y, const Real* bias, std::int64_t rows, std::int64_t width, const DropoutMask<Real>& mask) {
  for (std::int64_t r = 0; r < rows; ++r, y += width)
    for (std::int64_t c = 0; c < width; c += kLanes<Real>) {
      const Vec<Real> x = load(y + c) + load(bias + c);
      store(y + c, dropout<Real>(mask, r, c, select<Real>(x < Real(0), Vec<Real>{}, x)));  // NaN stays NaN
    }
}

template <class Real>
void relu_dropout_backward(const Real* y, Real* d, std::int64_t rows, std::int64_t width, Real scale, Real* bias_gradient) {
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
void tanh_score_backward(Real* h, const Real* ds, std::int64_t rows, const ScoreHead<Real>& head, Real* query_gradient, Real* bias_gradient) {
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
void blend(const Real* zp, const Real* zn, const Real* score_p, const Real* score_n, std::int64_t rows, std::int64_t width, Real* share, Real* z) {
  for (std::int64_t r = 0; r < rows; r += kLanes<Real>) {
    const std::int64_t lanes = rows - r < kLanes<Real> ? rows - r : kLanes<Real>;
    const std::size_t bytes = static_cast<std::size_t>(lanes) * sizeof(Real);
    Vec<Real> p{}, n{};
    __builtin_memcpy(&p, score_p + r, bytes);
    __builtin_memcpy(&n, score_n + r, bytes);
    const Vec<Real> first = Real(1) / (Real(1) + exp_of<Real>(n - p));
    __builtin_memcpy(share + r, &first, bytes);
  }
  for (std::int64_t r = 0; r < rows; ++r)
    for (std::int64_t c = r * width; c < (r + 1) * width; c += kLanes<Real>)
      store(z + c, load(zn + c) + share[r] * (load(zp + c) - load(zn + c)));
}

template <class Real>
void blend_backward(const Real* dz, const Real* zp, const Real* zn, const Real* share, std::int64_t rows, std::int64_t width, Real* ds, Real* dzp, Real* dzn) {
  for (std::int64_t r = 0; r < rows; ++r) {
    Vec<Real> difference{};
    for (std::int64_t c = r * width; c < (r + 1) * width; c += kLanes<Real>) {
      const Vec<Real> d = load(dz + c);
      difference += d * (load(zp + c) - load(zn + c));
      store(dzp + c, share[r] * d);
      store(dzn + c, (Real(1) - share[r]) * d);
    }
    ds[r] = share[r] * (Real(1) - share[r]) * add_lanes<Real>(difference);
  }
}

// ---- batch

template <class Real, class Stored>
void dots(const Real* u, const Stored* table, const std::int32_t* slots, std::int64_t count, std::int64_t width, Real* out) {
  for (std::int64_t i = 0; i < count; ++i) {
    const Stored* row = table + slots[i] * width;
    Vec<Real> sum{};
    for (std::int64_t c = 0; c < width; c += kLanes<Real>) sum += load(u + c) * load(row + c);
    out[i] = add_lanes<Real>(sum);
  }
}

template <class Real, class Stored>
void weighted_sum(const Stored* table, const std::int32_t* slots, const Real* weights, std::int64_t count, std::int64_t width, Real* acc) {
  for (std::int64_t c = 0; c < width; c += kLanes<Real>) {
    Vec<Real> sum = load(acc + c);
    for (std::int64_t i = 0; i < count; ++i) sum += weights[i] * load(table + slots[i] * width + c);
    store(acc + c, sum);
  }
}

template <class Real>
void log_sigmoid(Real* x, Real* term, std::int64_t count) {
  for (std::int64_t i = 0; i < count; i += kLanes<Real>) {
    const std::int64_t lanes = count - i < kLanes<Real> ? count - i : kLanes<Real>;
    const std::size_t bytes = static_cast<std::size_t>(lanes) * sizeof(Real);
    Vec<Real> v{};
    __builtin_memcpy(&v, x + i, bytes);
    const Vec<Real> e = exp_of<Real>(-absolute<Real>(v));
    const Vec<Real> loss = select<Real>(v < Real(0), -v, Vec<Real>{}) + log1p_of<Real>(e);
    const Vec<Real> slope = select<Real>(v < Real(0), broadcast<Real>(1), e) / (Real(-1) - e);
    __builtin_memcpy(term + i, &loss, bytes);
    __builtin_memcpy(x + i, &slope, bytes);
  }
}

// ---- ranking

template <class Real>
SIREN_INLINE bool any(IntVec<Real> lanes) {
  const auto words = reinterpret_cast<IntVec<double>>(lanes);
  std::int64_t bits = 0;
  for (int i = 0; i < kLanes<double>; ++i) bits |= words[i];
  return bits != 0;
}

/// Most blocks hold nothing once a list is full: one branch a block passes them over.
template <class Real>
std::int64_t at_least(const Real* scores, std::int64_t count, Real threshold, std::int32_t* found) {
  constexpr int kVectors = 4;
  constexpr std::int64_t kBlock = kVectors * kLanes<Real>;
  std::int64_t hits = 0;
  for (std::int64_t begin = 0; begin < count; begin += kBlock) {
    const std::int64_t end = begin + kBlock < count ? begin + kBlock : count;
    if (end - begin == kBlock) {
      IntVec<Real> above{};
      for (int v = 0; v < kVectors; ++v) above |= load(scores + begin + v * kLanes<Real>) >= threshold;
      if (!any<Real>(above)) continue;
    }
    for (std::int64_t i = begin; i < end; ++i) {
      found[hits] = static_cast<std::int32_t>(i);
      hits += scores[i] >= threshold ? 1 : 0;
    }
  }
  return hits;
}

template <class Real>
void adam(Real* __restrict parameter, Real* __restrict first, Real* __restrict second, const Real* __restrict gradient, std::int64_t count, const AdamStep<Real>& step) {
  for (std::int64_t i = 0; i < count; i += kLanes<Real>) {
    const Vec<Real> g = load(gradient + i);
    const Vec<Real> m = load(first + i) * step.beta1 + g * (Real(1) - step.beta1);
    const Vec<Real> v = load(second + i) * step.beta2 + g * g * (Real(1) - step.beta2);
    store(first + i, m);
    store(second + i, v);
    Vec<Real> root = v;
    for (int lane = 0; lane < kLanes<Real>; ++lane)
      root[lane] = sizeof(Real) == 4 ? Real(__builtin_sqrtf(float(root[lane]))) : Real(__builtin_sqrt(double(root[lane])));
    store(parameter + i, load(parameter + i) - step.learning_rate * m / (root * step.inverse_root_bias + step.epsilon));
  }
}

template <class Precision>
constexpr Kernels<Precision> make_table() {
  using Real = typename Precision::Real;
  using Stored = typename Precision::Stored;
  return {
      .product_to_sums = product_to_sums<Real, Stored>,
      .product_to_wire = product_to_wire<Real, Stored>,
      .product_to_layer = product_to_layer<Real, Stored>,
      .sums_to_layer = sums_to_layer<Real, Stored>,
      .scale_rows = scale_rows<Real, Stored>,
      .add_rows = add_rows<Real, Stored>,
      .multiply = multiply<Real>,
      .relu_dropout = relu_dropout<Real>,
      .relu_dropout_backward = relu_dropout_backward<Real>,
      .tanh_score = tanh_score<Real>,
      .tanh_score_backward = tanh_score_backward<Real>,
      .blend = blend<Real>,
      .blend_backward = blend_backward<Real>,
      .dots = dots<Real, Stored>,
      .weighted_sum = weighted_sum<Real, Stored>,
      .weighted_sum_real = weighted_sum<Real, Real>,
      .log_sigmoid = log_sigmoid<Real>,
      .at_least = at_least<Real>,
      .adam = adam<Real>,
  };
}

}  // namespace

extern const Kernels<Fp32> kFp32;
extern const Kernels<Bf16> kBf16;
extern const Kernels<Fp64> kFp64;
constinit const Kernels<Fp32> kFp32 = make_table<Fp32>();
constinit const Kernels<Bf16> kBf16 = make_table<Bf16>();
constinit const Kernels<Fp64> kFp64 = make_table<Fp64>();

}  // namespace siren::SIREN_KERNEL_NAMESPACE
