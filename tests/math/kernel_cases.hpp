// SPDX-License-Identifier: Apache-2.0
// What the tests of the kernels share: which variants exist here, and values to feed them.
//
// Small whole numbers make every sum exact in every number type, so that kernels can be compared
// with naive loops for equality whatever order they add in.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "math/kernels.hpp"
#include "math/matrix.hpp"

namespace siren::test {

inline std::vector<Isa> isas_here() {
  std::vector<Isa> isas;
  for (const Isa isa : {Isa::kPortable, Isa::kAvx2, Isa::kAvx512})
    if (isa <= best_isa()) isas.push_back(isa);
  return isas;
}

/// With 80: a row whose mask ends within a word.
inline constexpr std::int64_t kWidths[] = {16, 32, 48, 64, 80, 96, 128, 256};

using Precisions = ::testing::Types<Fp32, Bf16, Fp64>;
using Reals = ::testing::Types<Fp32, Fp64>;  // for kernels that never see Stored

/// Runs a test for every instruction set of this machine.
template <class Precision>
class KernelTest : public ::testing::Test {
 protected:
  using Value = typename Precision::Real;
  using Wire = typename Precision::Stored;
  static constexpr Value kEpsilon = std::numeric_limits<Value>::epsilon();

  template <class Body>
  void on_every_isa(const Body& body) {
    for (const Isa isa : isas_here()) {
      SCOPED_TRACE(std::string(Precision::kName) + " " + name_of(isa));
      body(kernels<Precision>(isa));
    }
  }

  /// Values in {-8, ..., 8}.
  template <class T>
  std::vector<T> whole(std::int64_t count) {
    std::uniform_int_distribution<int> any(-8, 8);
    std::vector<T> values;
    for (std::int64_t i = 0; i < count; ++i)
      values.push_back(static_cast<T>(static_cast<Value>(any(random_))));
    return values;
  }
  /// Values in (-range, range).
  template <class T>
  std::vector<T> real(std::int64_t count, double range = 1.0) {
    std::uniform_real_distribution<double> any(-range, range);
    std::vector<T> values;
    for (std::int64_t i = 0; i < count; ++i)
      values.push_back(static_cast<T>(static_cast<Value>(any(random_))));
    return values;
  }
  std::int64_t below(std::int64_t end) {
    return std::uniform_int_distribution<std::int64_t>(0, end - 1)(random_);
  }

  /// Half the bits set at random; bits behind the last column are noise.
  struct Mask {
    std::int64_t words_per_row;
    std::vector<std::uint64_t> words;
    bool keeps(std::int64_t row, std::int64_t column) const {
      return (words[static_cast<std::size_t>(row * words_per_row + column / 64)] >> (column % 64) &
              1U) != 0;
    }
    DropoutMask<Value> view(Value scale) const { return {words.data(), words_per_row, scale}; }
  };
  Mask mask(std::int64_t rows, std::int64_t width) {
    Mask made{(width + 63) / 64, {}};
    for (std::int64_t w = 0; w < rows * made.words_per_row; ++w) made.words.push_back(random_());
    return made;
  }
  static constexpr DropoutMask<Value> keep_all() { return {nullptr, 0, Value{1}}; }

  std::mt19937_64 random_{42};
};

/// EXPECT_NEAR for long double, against which double is evaluated.
inline ::testing::AssertionResult close(long double got, long double want, long double tolerance) {
  if (std::abs(got - want) <= tolerance) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << got << " is not within " << tolerance << " of " << want;
}

template <class T>
::testing::AssertionResult same_bits(const T* a, const T* b, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i)
    if (std::memcmp(static_cast<const void*>(a + i), static_cast<const void*>(b + i), sizeof(T)) !=
        0)
      return ::testing::AssertionFailure()
             << "value " << i << " of " << count << ": " << static_cast<float>(a[i]) << " and "
             << static_cast<float>(b[i]);
  return ::testing::AssertionSuccess();
}

template <class T>
::testing::AssertionResult same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  if (a.size() != b.size())
    return ::testing::AssertionFailure() << a.size() << " and " << b.size() << " values";
  return same_bits(a.data(), b.data(), static_cast<std::int64_t>(a.size()));
}

}  // namespace siren::test
