// SPDX-License-Identifier: Apache-2.0
// Number types as policies: Real is the type of parameters, moments and arithmetic, Stored that of
// the tables gathered by the sparse product and of rows on the wire.
#pragma once

#include <cstdint>

#include "math/bfloat16.hpp"

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

}  // namespace siren::inline math
