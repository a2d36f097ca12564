// SPDX-License-Identifier: Apache-2.0
#include <vector>

#include "core/rng.hpp"
#include "kernel_cases.hpp"
#include "siren/ids.hpp"

namespace siren::test {
namespace {

class RandomKernels : public KernelTest<Fp32> {};

TEST_F(RandomKernels, AreTheWordsOfTheScalarGenerator) {
  on_every_isa([&](const Kernels<Fp32>& k) {
    for (const std::int64_t count : {1, 15, 16, 17, 40, 64}) {
      const std::int64_t stride = padded_random(count);
      std::vector<std::uint32_t> words(as_index(4 * stride + 1), 0xabcdU);
      std::vector<std::uint32_t> first(as_index(stride));
      std::vector<std::uint32_t> last(as_index(stride));
      for (std::int64_t i = 0; i < stride; ++i) {
        first[as_index(i)] = 0xfffffff0U + 3 * static_cast<std::uint32_t>(i);
        last[as_index(i)] = static_cast<std::uint32_t>(i * i) << 16;
      }
      k.random_words({{7, static_cast<std::uint32_t>(Purpose::kNegative)},
                      {1, 3, 11, 2},
                      {first.data(), nullptr, nullptr, last.data()},
                      count},
                     words.data());
      for (std::int64_t i = 0; i < count; ++i) {
        const RandomBlock want =
            random_block(7, Purpose::kNegative, {first[as_index(i)], 3, 11, last[as_index(i)]});
        for (std::int64_t w = 0; w < 4; ++w)
          ASSERT_EQ(words[as_index(w * stride + i)], want[as_index(w)])
              << "count " << count << " counter " << i << " word " << w;
      }
      EXPECT_EQ(words.back(), 0xabcdU);
    }
  });
}

}  // namespace
}  // namespace siren::test
