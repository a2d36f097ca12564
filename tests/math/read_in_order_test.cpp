// SPDX-License-Identifier: Apache-2.0
#include "siren/math/read_in_order.hpp"

#include <vector>

#include <gtest/gtest.h>
#include <omp.h>

namespace siren {
namespace {

constexpr std::int64_t kMegabyte = std::int64_t{1} << 20;

TEST(ReadInOrder, PaysForTablesOfCachesInCommonThatAreVisitedOften) {
  EXPECT_TRUE(pays_to_read_in_order(36'000, 5 * kMegabyte, 36'000 * 24));
  EXPECT_FALSE(pays_to_read_in_order(3'000, kMegabyte / 2, 3'000 * 100)) << "stays where it is";
  EXPECT_FALSE(pays_to_read_in_order(700'000, 90 * kMegabyte, 700'000 * 24)) << "fits nowhere";
  EXPECT_FALSE(pays_to_read_in_order(36'000, 5 * kMegabyte, 36'000 * 2)) << "is hardly used again";
  EXPECT_FALSE(pays_to_read_in_order(0, 0, 0));
}

/// Reads beyond the end are the address sanitizer's to find.
TEST(ReadInOrder, TakesAnySizeAndPollsAfterEachBlock) {
  const int threads = omp_get_max_threads();
  for (const int of : {1, 3}) {
    omp_set_num_threads(of);
    for (const std::int64_t bytes : {0, 1, 63, 64, 65, 32768, 32769, 1'000'001}) {
      const std::vector<char> memory(static_cast<std::size_t>(bytes), 'a');
      const std::int64_t blocks = (bytes + 32767) / 32768;
      std::int64_t polls = 0;
      read_in_order(memory.data(), bytes, [&] { ++polls; });
      EXPECT_TRUE(of == 1 ? polls == blocks : polls <= blocks) << polls << " of " << blocks;
      read_in_order(memory.data(), bytes);
    }
  }
  omp_set_num_threads(threads);
}

}  // namespace
}  // namespace siren
