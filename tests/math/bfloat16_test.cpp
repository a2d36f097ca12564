// SPDX-License-Identifier: Apache-2.0
#include "math/bfloat16.hpp"

#include <cmath>
#include <limits>

#include "kernel_cases.hpp"

namespace siren::test {
namespace {

float from_bits(std::uint32_t bits) {
  return std::bit_cast<float>(bits);
}
std::uint16_t stored(std::uint32_t bits) {
  return Bfloat16(from_bits(bits)).bits;
}
bool is_nan_pattern(std::uint32_t upper) {
  return (upper & 0x7fffU) > 0x7f80U;
}

TEST(Bfloat16, EveryStoredNumberSurvivesTheRoundTrip) {
  for (std::uint32_t upper = 0; upper <= 0xffff; ++upper) {
    Bfloat16 x;
    x.bits = static_cast<std::uint16_t>(upper);
    const auto wide = static_cast<float>(x);
    ASSERT_EQ(std::bit_cast<std::uint32_t>(wide), upper << 16);
    ASSERT_EQ(Bfloat16(wide).bits, upper);
  }
}

TEST(Bfloat16, RoundsToNearestWithTiesToEven) {
  for (std::uint32_t upper = 0; upper < 0xffff; ++upper) {
    if (is_nan_pattern(upper) || is_nan_pattern(upper + 1) || (upper & 0x7fffU) == 0x7f80U)
      continue;
    const std::uint32_t at = upper << 16;
    ASSERT_EQ(stored(at + 1), upper);
    ASSERT_EQ(stored(at + 0x7fff), upper) << "just below the middle";
    ASSERT_EQ(stored(at + 0x8000), upper + (upper & 1U)) << "in the middle";
    ASSERT_EQ(stored(at + 0x8001), upper + 1) << "just above the middle";
    ASSERT_EQ(stored(at + 0xffff), upper + 1);
  }
}

TEST(Bfloat16, KeepsInfinityAndTheNansOfArithmetic) {
  using Limits = std::numeric_limits<float>;
  EXPECT_EQ(static_cast<float>(Bfloat16(Limits::infinity())), Limits::infinity());
  EXPECT_EQ(static_cast<float>(Bfloat16(-Limits::infinity())), -Limits::infinity());
  EXPECT_EQ(static_cast<float>(Bfloat16(Limits::max())), Limits::infinity())
      << "nearer than the largest bfloat16";
  EXPECT_TRUE(std::isnan(static_cast<float>(Bfloat16(Limits::quiet_NaN()))));
  EXPECT_TRUE(std::isnan(static_cast<float>(Bfloat16(-Limits::quiet_NaN()))));
  volatile float infinity = Limits::infinity();
  EXPECT_TRUE(std::isnan(static_cast<float>(Bfloat16(infinity - infinity))));
}

TEST(Bfloat16, VectorsRoundLikeTheScalar) {
  for (const Isa isa : isas_here()) {
    const Kernels<Bf16>& k = kernels<Bf16>(isa);
    std::vector<float> x;
    for (std::uint32_t upper = 0; upper <= 0xffff; ++upper)
      for (const std::uint32_t lower : {0x0000U, 0x0001U, 0x7fffU, 0x8000U, 0x8001U, 0xffffU})
        if (!is_nan_pattern(upper) && upper != 0x7f80 && upper != 0xff80)
          x.push_back(from_bits(upper << 16 | lower));
    while (x.size() % 16 != 0) x.push_back(0.0F);
    std::vector<Bfloat16> rounded(x.size());
    k.store_rows(x.data(), 16, 0, static_cast<std::int64_t>(x.size()) / 16, rounded.data());
    for (std::size_t i = 0; i < x.size(); ++i)
      ASSERT_EQ(rounded[i].bits, Bfloat16(x[i]).bits) << name_of(isa) << ": " << x[i];
  }
}

}  // namespace
}  // namespace siren::test
