// SPDX-License-Identifier: Apache-2.0
#include <vector>

#include "siren/core/rng.hpp"

#include "kernel_cases.hpp"

namespace siren::test {
namespace {

class RandomKernels : public KernelTest<Fp32> {};

TEST_F(RandomKernels, AreTheWordsOfTheScalarGenerator) {
  on_every_isa([&](const Kernels<Fp32>& k) {
    for (const std::int64_t count : {1, 15, 16, 17, 40, 64}) {
      const RandomCounters counters{
          {7, static_cast<std::uint32_t>(Purpose::kNegative)}, {0xfffffff0, 3, 11}, 5, count};
      const std::int64_t stride = padded_random(count);
      std::vector<std::uint32_t> words(static_cast<std::size_t>(4 * stride) + 1, 0xabcdU);
      k.random_words(counters, words.data());
      for (std::int64_t i = 0; i < count; ++i) {
        const RandomBlock want = random_block(
            7, Purpose::kNegative, {0xfffffff0, 3, 11, 5 + static_cast<std::uint32_t>(i)});
        for (std::int64_t w = 0; w < 4; ++w)
          ASSERT_EQ(words[static_cast<std::size_t>(w * stride + i)],
                    want[static_cast<std::size_t>(w)])
              << "count " << count << " counter " << i << " word " << w;
      }
      EXPECT_EQ(words.back(), 0xabcdU);
    }
  });
}

}  // namespace
}  // namespace siren::test
