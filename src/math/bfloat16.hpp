// SPDX-License-Identifier: Apache-2.0
// bfloat16: the upper half of an IEEE float. Storage and wire only; arithmetic is done in float.
#pragma once

#include <bit>
#include <cstdint>

namespace siren::inline math {

struct Bfloat16 {
  std::uint16_t bits = 0;

  Bfloat16() = default;
  /// Rounds to nearest, ties to even. Infinities and the NaNs that arithmetic makes stay what they
  /// are; a NaN whose payload lies in the lower half alone would not.
  explicit Bfloat16(float value) {
    const auto wide = std::bit_cast<std::uint32_t>(value);
    bits = static_cast<std::uint16_t>((wide + 0x7fffU + ((wide >> 16) & 1U)) >> 16);
  }
  explicit operator float() const {
    return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
  }
};

}  // namespace siren::inline math
