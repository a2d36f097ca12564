// SPDX-License-Identifier: Apache-2.0
// Number types as policies: Real is the type of parameters, moments and arithmetic, Stored that of
// the tables gathered by the sparse product and of rows on the wire.
#pragma once

#include <cstdint>

#include "math/bfloat16.hpp"
#include "siren/check.hpp"
#include "siren/config.hpp"

namespace siren::inline math {

struct Fp32 {
  using Real = float;
  using Stored = float;
  static constexpr const char* kName = "fp32";
};

struct Bf16 {
  using Real = float;
  using Stored = Bfloat16;
  static constexpr const char* kName = "bf16";
};

/// Sums that do not depend on their order (distributed/exact_propagation.hpp); no kernels of its own.
struct FixedPoint {
  using Real = std::int64_t;
  using Stored = std::int64_t;
  static constexpr const char* kName = "fixed point";
};

/// For verification: tight invariance and gradient checks.
struct Fp64 {
  using Real = double;
  using Stored = double;
  static constexpr const char* kName = "fp64";
};

struct NumberBytes {
  std::int64_t real;
  std::int64_t stored;
};
constexpr NumberBytes number_bytes(Storage storage) {
  const std::int64_t real = storage == Storage::kFp64 ? 8 : 4;
  return {real, storage == Storage::kBf16 ? 2 : real};
}

/// f.template operator()<Precision>() for the number types that `storage` names.
template <class F>
auto with_precision(Storage storage, const F& f) {
  switch (storage) {
    case Storage::kFp32:
      return f.template operator()<Fp32>();
    case Storage::kBf16:
      return f.template operator()<Bf16>();
    case Storage::kFp64:
      return f.template operator()<Fp64>();
  }
  SIREN_ASSERT(false, "storage {}", static_cast<int>(storage));
  return f.template operator()<Fp32>();
}

}  // namespace siren::inline math
