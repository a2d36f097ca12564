// SPDX-License-Identifier: Apache-2.0
// Vectors as wide as the instruction set this file is compiled for, on GCC/Clang vector extensions.
// Private to the kernels. Everything is force-inlined and in the variant's own namespace: no symbol
// compiled for one instruction set may be linked into code that runs on another.
#pragma once

#include <cstdint>
#include <utility>

#if defined(__SSE2__)
#include <immintrin.h>
#endif

#include "math/bfloat16.hpp"

#define SIREN_INLINE [[gnu::always_inline]] static inline

namespace siren::inline math::SIREN_KERNEL_NAMESPACE {

#if defined(__AVX512F__)
inline constexpr int kVectorBytes = 64;
inline constexpr int kMaxAccumulators = 16;  // vectors of one row kept in registers
inline constexpr int kTileRows = 6;
inline constexpr int kTileVectors = 4;
#elif defined(__AVX2__)
inline constexpr int kVectorBytes = 32;
inline constexpr int kMaxAccumulators = 8;
inline constexpr int kTileRows = 6;
inline constexpr int kTileVectors = 2;
#else
inline constexpr int kVectorBytes = 16;
inline constexpr int kMaxAccumulators = 8;
inline constexpr int kTileRows = 4;
inline constexpr int kTileVectors = 2;
#endif

template <class Real>
struct Simd;

template <>
struct Simd<float> {
  static constexpr int kLanes = kVectorBytes / 4;
  using Vec [[gnu::vector_size(kVectorBytes)]] = float;
  using Int [[gnu::vector_size(kVectorBytes)]] = std::int32_t;
  using Word [[gnu::vector_size(kVectorBytes)]] = std::uint32_t;
};

template <>
struct Simd<double> {
  static constexpr int kLanes = kVectorBytes / 8;
  using Vec [[gnu::vector_size(kVectorBytes)]] = double;
  using Int [[gnu::vector_size(kVectorBytes)]] = std::int64_t;
  using Word [[gnu::vector_size(kVectorBytes)]] = std::uint64_t;
};

template <class Real>
using Vec = typename Simd<Real>::Vec;
template <class Real>
using IntVec = typename Simd<Real>::Int;

template <class Real>
inline constexpr int kLanes = Simd<Real>::kLanes;

using HalfWords [[gnu::vector_size(kVectorBytes / 2)]] = std::uint16_t;

SIREN_INLINE Vec<float> load(const float* p) {
  Vec<float> v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}
SIREN_INLINE Vec<double> load(const double* p) {
  Vec<double> v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}
SIREN_INLINE Vec<float> load(const Bfloat16* p) {
  HalfWords half;
  __builtin_memcpy(&half, p, sizeof half);
#if defined(__AVX512F__)  // the compiler would widen half a vector at a time
  const auto wide = _mm512_maskz_cvtepu16_epi32(0xffff, reinterpret_cast<__m256i>(half));
  return reinterpret_cast<Vec<float>>(reinterpret_cast<Simd<float>::Word>(wide) << 16);
#endif
  return reinterpret_cast<Vec<float>>(__builtin_convertvector(half, Simd<float>::Word) << 16);
}

/// Columns 0, 2, 4, ... and 1, 3, 5, ... of 2 x kLanes<float> consecutive ones: one load and one
/// operation a vector, where widening in order takes two. interleave() restores the order.
struct EvenOdd {
  Vec<float> even;
  Vec<float> odd;
};
SIREN_INLINE EvenOdd load_even_odd(const Bfloat16* p) {
  Simd<float>::Word pairs;
  __builtin_memcpy(&pairs, p, sizeof pairs);
#if defined(__FMA__)
  asm("" : "+v"(pairs));  // or the compiler reads them once for each half
#endif
  return {reinterpret_cast<Vec<float>>(pairs << 16),
          reinterpret_cast<Vec<float>>(pairs & 0xffff0000U)};
}
#if __has_builtin(__builtin_shufflevector)
template <int... kLane>
SIREN_INLINE void interleave_lanes(const EvenOdd& x, Vec<float>& low, Vec<float>& high,
                                   std::integer_sequence<int, kLane...>) {
  constexpr int kHalf = sizeof...(kLane) / 2;
  constexpr int kOdd = sizeof...(kLane);
  low = __builtin_shufflevector(x.even, x.odd, (kLane / 2 + kLane % 2 * kOdd)...);
  high = __builtin_shufflevector(x.even, x.odd, (kHalf + kLane / 2 + kLane % 2 * kOdd)...);
}
SIREN_INLINE void interleave(const EvenOdd& x, Vec<float>& low, Vec<float>& high) {
  interleave_lanes(x, low, high, std::make_integer_sequence<int, kLanes<float>>());
}
#else  // GCC 11
SIREN_INLINE void interleave(const EvenOdd& x, Vec<float>& low, Vec<float>& high) {
  constexpr int kHalf = kLanes<float> / 2;
  for (int i = 0; i < kHalf; ++i) {
    low[2 * i] = x.even[i];
    low[2 * i + 1] = x.odd[i];
    high[2 * i] = x.even[i + kHalf];
    high[2 * i + 1] = x.odd[i + kHalf];
  }
}
#endif
/// The first `lanes` values; the others are zero.
template <class Real>
SIREN_INLINE Vec<Real> load_some(const Real* p, std::int64_t lanes) {
  if (lanes >= kLanes<Real>) return load(p);
  Vec<Real> v{};
  __builtin_memcpy(&v, p, static_cast<std::size_t>(lanes) * sizeof(Real));
  return v;
}

SIREN_INLINE void store(float* p, Vec<float> v) {
  __builtin_memcpy(p, &v, sizeof v);
}
SIREN_INLINE void store(double* p, Vec<double> v) {
  __builtin_memcpy(p, &v, sizeof v);
}
/// Rounds to nearest, ties to even, like the scalar conversion.
SIREN_INLINE void store(Bfloat16* p, Vec<float> v) {
  const auto wide = reinterpret_cast<Simd<float>::Word>(v);
  const HalfWords half =
      __builtin_convertvector((wide + 0x7fffU + ((wide >> 16) & 1U)) >> 16, HalfWords);
  __builtin_memcpy(static_cast<void*>(p), &half, sizeof half);
}

template <class Real>
SIREN_INLINE void store_some(Real* p, std::int64_t lanes, Vec<Real> v) {
  if (lanes >= kLanes<Real>)
    store(p, v);
  else
    __builtin_memcpy(p, &v, static_cast<std::size_t>(lanes) * sizeof(Real));
}

template <class Real>
SIREN_INLINE Vec<Real> broadcast(Real x) {
  return x - Vec<Real>{};
}

/// Ones that the compiler does not know to be ones, for add_on_fma().
template <class Real>
SIREN_INLINE Vec<Real> hidden_ones() {
  Vec<Real> ones = broadcast<Real>(1);
#if defined(__FMA__)
  asm("" : "+v"(ones));
#endif
  return ones;
}

/// sum + x to the bit, by the units for multiply-adds where there are any: where they are not those
/// for additions (AMD), they would idle, while widening rows and adding them up crowd the others.
template <class Real>
SIREN_INLINE Vec<Real> add_on_fma(Vec<Real> sum, Vec<Real> x, [[maybe_unused]] Vec<Real> ones) {
#if defined(__FMA__)
  return x * ones + sum;
#else
  return sum + x;
#endif
}

/// x to the bit. The compiler does not see through it, and so fuses no product in x with an addition
/// that follows, which it would do in some places and not in others.
template <class V>
SIREN_INLINE V rounded(V x) {
#if defined(__FMA__)
  asm("" : "+v"(x));
#endif
  return x;
}

template <class Real>
SIREN_INLINE Vec<Real> select(IntVec<Real> condition, Vec<Real> yes, Vec<Real> no) {
  return condition ? yes : no;
}

template <class Real, int kCount>
struct Some {
  using Lanes [[gnu::vector_size(kCount * sizeof(Real))]] = Real;
};

/// The lower half of the lanes plus the upper one.
template <class Real, int kCount>
SIREN_INLINE auto add_halves(typename Some<Real, kCount>::Lanes v) {
  typename Some<Real, kCount / 2>::Lanes low, high;
#if defined(__AVX512F__)
  if constexpr (sizeof v == 64) {  // the compiler would go through memory
    const auto all = reinterpret_cast<__m512>(v);
    low = reinterpret_cast<decltype(low)>(_mm512_maskz_extractf32x8_ps(0xff, all, 0));
    high = reinterpret_cast<decltype(low)>(_mm512_maskz_extractf32x8_ps(0xff, all, 1));
    return low + high;
  }
#endif
  __builtin_memcpy(&low, &v, sizeof low);
  __builtin_memcpy(&high, reinterpret_cast<const char*>(&v) + sizeof low, sizeof high);
  return low + high;
}

/// Lanes added in a fixed tree: the upper half to the lower, again and again.
template <class Real, int kCount = kLanes<Real>>
SIREN_INLINE Real add_lanes(typename Some<Real, kCount>::Lanes v) {
  if constexpr (kCount == 2)
    return v[0] + v[1];
  else if constexpr (sizeof v == 16)
    return (v[0] + v[2]) + (v[1] + v[3]);
  else
    return add_lanes<Real, kCount / 2>(add_halves<Real, kCount>(v));
}

/// The full products of the lower halves of the lanes and a factor: one instruction, where the
/// compiler would see a multiplication of 64 bits.
SIREN_INLINE Simd<double>::Word multiply_low_words(Simd<double>::Word x, std::uint32_t factor) {
  using Word = Simd<double>::Word;
  const Word y = factor + Word{};
#if defined(__AVX512F__)
  return reinterpret_cast<Word>(
      _mm512_maskz_mul_epu32(0xff, reinterpret_cast<__m512i>(x), reinterpret_cast<__m512i>(y)));
#elif defined(__AVX2__)
  return reinterpret_cast<Word>(
      _mm256_mul_epu32(reinterpret_cast<__m256i>(x), reinterpret_cast<__m256i>(y)));
#elif defined(__SSE2__)
  return reinterpret_cast<Word>(
      _mm_mul_epu32(reinterpret_cast<__m128i>(x), reinterpret_cast<__m128i>(y)));
#else
  return (x & 0xffffffffU) * y;
#endif
}

/// All bits set in lane i where bit i of `bits` is.
template <class Real>
SIREN_INLINE IntVec<Real> lanes_of(std::uint64_t bits) {
  IntVec<Real> one_bit;
  for (int i = 0; i < kLanes<Real>; ++i) one_bit[i] = decltype(one_bit[0] + 0)(1) << i;
  using Element = decltype(one_bit[0] + 0);
  const IntVec<Real> all = static_cast<Element>(bits) - IntVec<Real>{};
  return (all & one_bit) != IntVec<Real>{};
}

}  // namespace siren::inline math::SIREN_KERNEL_NAMESPACE
