// SPDX-License-Identifier: Apache-2.0
// exp and friends on vectors, accurate to about two units in the last place (tanh: of 1, so not
// relatively near 0). Private to the kernels: see simd.hpp.
#pragma once

#include "simd.hpp"

namespace siren::inline math::SIREN_KERNEL_NAMESPACE {

template <class Real>
struct ExpConstants;

template <>
struct ExpConstants<float> {
  static constexpr float kMin = -87.0F, kMax = 88.0F;
  static constexpr float kMagic = 12582912.0F;  // 1.5 * 2^23: adding it rounds to an integer
  static constexpr int kMantissa = 23;
  static constexpr float kLn2High = 0.693359375F, kLn2Low = -2.12194440e-4F;
  static constexpr int kTerms = 8;
  static constexpr int kLogTerms = 9;
};

template <>
struct ExpConstants<double> {
  static constexpr double kMin = -708.0, kMax = 709.0;
  static constexpr double kMagic = 6755399441055744.0;  // 1.5 * 2^52
  static constexpr int kMantissa = 52;
  static constexpr double kLn2High = 6.93147180369123816490e-01,
                          kLn2Low = 1.90821492927058770002e-10;
  static constexpr int kTerms = 14;
  static constexpr int kLogTerms = 18;
};

template <class Real>
constexpr Real inverse_factorial(int n) {
  double product = 1.0;
  for (int k = 2; k <= n; ++k) product *= k;
  return static_cast<Real>(1.0 / product);
}

/// e^x within the range of normal results: x = n ln 2 + r with |r| <= ln 2 / 2, then the Taylor
/// polynomial of e^r, then times 2^n. NaN stays NaN.
template <class Real>
SIREN_INLINE Vec<Real> exp_in_range(Vec<Real> x) {
  using C = ExpConstants<Real>;
  const Vec<Real> shifted = x * Real(1.44269504088896340736) + C::kMagic;
  const Vec<Real> n = shifted - C::kMagic;
  const Vec<Real> r = (x - n * C::kLn2High) - n * C::kLn2Low;
  Vec<Real> sum = broadcast<Real>(inverse_factorial<Real>(C::kTerms - 1));
#pragma GCC unroll 16
  for (int k = C::kTerms - 2; k >= 0; --k) sum = sum * r + inverse_factorial<Real>(k);
  const IntVec<Real> power = reinterpret_cast<IntVec<Real>>(shifted) << C::kMantissa;
  return reinterpret_cast<Vec<Real>>(reinterpret_cast<IntVec<Real>>(sum) + power);
}

/// x, but kMin where it is less. NaN stays NaN.
template <class Real>
SIREN_INLINE Vec<Real> at_least_min(Vec<Real> x) {
  constexpr Real kMin = ExpConstants<Real>::kMin;
  return select<Real>(x < kMin, broadcast<Real>(kMin), x);
}

/// e^x for x <= 0; arguments below kMin count as kMin.
template <class Real>
SIREN_INLINE Vec<Real> exp_of_negative(Vec<Real> x) {
  return exp_in_range<Real>(at_least_min<Real>(x));
}

/// e^x, arguments clamped to the range in which the result is a normal number.
template <class Real>
SIREN_INLINE Vec<Real> exp_of(Vec<Real> x) {
  constexpr Real kMax = ExpConstants<Real>::kMax;
  return exp_in_range<Real>(at_least_min<Real>(select<Real>(x > kMax, broadcast<Real>(kMax), x)));
}

/// log(1 + z) for z in [0, 1]: 2 artanh(z / (2 + z)), a series in s^2 <= 1/9.
template <class Real>
SIREN_INLINE Vec<Real> log1p_of(Vec<Real> z) {
  const Vec<Real> s = z / (z + Real(2));
  const Vec<Real> square = s * s;
  Vec<Real> sum{};
#pragma GCC unroll 20
  for (int k = ExpConstants<Real>::kLogTerms - 1; k >= 0; --k)
    sum = sum * square + Real(1) / Real(2 * k + 1);
  return Real(2) * s * sum;
}

/// The bit of each lane that holds its sign.
template <class Real>
SIREN_INLINE IntVec<Real> sign_of(Vec<Real> x) {
  return reinterpret_cast<IntVec<Real>>(x) & reinterpret_cast<IntVec<Real>>(broadcast<Real>(-0.0));
}

template <class Real>
SIREN_INLINE Vec<Real> absolute(Vec<Real> x) {
  return reinterpret_cast<Vec<Real>>(reinterpret_cast<IntVec<Real>>(x) ^ sign_of<Real>(x));
}

template <class Real>
SIREN_INLINE Vec<Real> tanh_of(Vec<Real> x) {
  const Vec<Real> e = exp_of_negative<Real>(Real(-2) * absolute<Real>(x));
  const Vec<Real> t = (Real(1) - e) / (Real(1) + e);
  return reinterpret_cast<Vec<Real>>(reinterpret_cast<IntVec<Real>>(t) | sign_of<Real>(x));
}

}  // namespace siren::inline math::SIREN_KERNEL_NAMESPACE
