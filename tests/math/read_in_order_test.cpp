// SPDX-License-Identifier: Apache-2.0
#include "math/read_in_order.hpp"

#include <vector>

#include <gtest/gtest.h>
#include <omp.h>

namespace siren {
namespace {

constexpr std::int64_t kMegabyte = std::int64_t{1} << 20;

class ReadInOrder : public ::testing::TestWithParam<int> {
 protected:
  void SetUp() override { omp_set_num_threads(GetParam()); }
  void TearDown() override { omp_set_num_threads(before_); }

 private:
  int before_ = omp_get_max_threads();
};
INSTANTIATE_TEST_SUITE_P(Threads, ReadInOrder, ::testing::Values(1, 3));

TEST_P(ReadInOrder, PaysWhereRowsAreElsewhereButNotFar) {
  EXPECT_TRUE(pays_to_read_in_order(36'000, 5 * kMegabyte, 36'000 * 24));
  EXPECT_FALSE(pays_to_read_in_order(700'000, 90 * kMegabyte, 700'000 * 24)) << "fits nowhere";
  EXPECT_FALSE(pays_to_read_in_order(36'000, 5 * kMegabyte, 36'000 * 2)) << "is hardly used again";
  EXPECT_TRUE(pays_to_read_in_order(1000, 32 * kMegabyte, 4000));
  EXPECT_FALSE(pays_to_read_in_order(1000, 32 * kMegabyte + 1, 4000));
  EXPECT_FALSE(pays_to_read_in_order(1000, 32 * kMegabyte, 3999));
  EXPECT_FALSE(pays_to_read_in_order(0, 0, 0));
  EXPECT_EQ(pays_to_read_in_order(3'000, kMegabyte / 2, 3'000 * 100), GetParam() > 1)
      << "in a core's own cache, if no other core has written it";
  EXPECT_FALSE(pays_to_read_in_order(3'000, kMegabyte / 2, 3'000 * 11))
      << "each thread uses a third";
}

/// Reads beyond the end are the address sanitizer's to find; that memory is read at all, a
/// benchmark's.
TEST_P(ReadInOrder, TakesAnySizeAndPolls) {
  for (const std::int64_t bytes : {std::int64_t{0}, std::int64_t{1}, std::int64_t{63},
                                   std::int64_t{64}, std::int64_t{65}, kMegabyte, kMegabyte + 1}) {
    const std::vector<char> memory(static_cast<std::size_t>(bytes), 'a');
    std::int64_t polls = 0;
    read_in_order(memory.data(), bytes, [&] { ++polls; });
    if (bytes <= kMegabyte)
      EXPECT_EQ(polls, 1) << bytes << " bytes";
    else if (GetParam() == 1)
      EXPECT_EQ(polls, 33) << bytes << " bytes";
    else
      EXPECT_LE(polls, 33) << "other threads have blocks, too";
    read_in_order(memory.data(), bytes);
  }
}

}  // namespace
}  // namespace siren
