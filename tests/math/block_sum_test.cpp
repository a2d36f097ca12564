// SPDX-License-Identifier: Apache-2.0
#include "math/block_sum.hpp"

#include <cmath>

#include "kernel_cases.hpp"

namespace siren::test {
namespace {

constexpr std::int64_t kCounts[] = {1, 16, 20, 3000};
constexpr std::int64_t kRowCounts[] = {0,    1,        255,          256,          257,
                                       1000, 64 * 256, 64 * 256 + 1, 150 * 256 + 7};

/// A term of column c of row r that no two orders of addition sum alike.
float term(std::int64_t r, std::int64_t c) {
  return std::sin(static_cast<float>(r * 31 + c * 17 + 1));
}

void add_rows(std::int64_t begin, std::int64_t end, std::int64_t count, float* to) {
  for (std::int64_t r = begin; r < end; ++r)
    for (std::int64_t c = 0; c < count; ++c) to[c] += term(r, c % 7);
}

std::vector<float> block_sum(std::int64_t rows, std::int64_t count, int threads) {
  omp_set_num_threads(threads);
  BlockSum<float> sum(count);
  std::vector<float> total(static_cast<std::size_t>(count), 0.5F);
  sum.add(
      rows, total.data(),
      [&](std::int64_t begin, std::int64_t end, float* partial) {
        add_rows(begin, end, count, partial);
      },
      [] {});
  omp_set_num_threads(1);
  return total;
}

/// The order of additions that the header promises, plainly.
std::vector<float> twin(std::int64_t rows, std::int64_t count) {
  std::vector<float> total(static_cast<std::size_t>(count), 0.5F);
  for (std::int64_t begin = 0; begin < rows; begin += kSumBlockRows) {
    std::vector<float> partial(total.size(), 0.0F);
    add_rows(begin, std::min(begin + kSumBlockRows, rows), count, partial.data());
    for (std::size_t c = 0; c < total.size(); ++c) total[c] += partial[c];
  }
  return total;
}

TEST(BlockSum, AddsPartialSumsInBlockOrderForAnyNumberOfThreads) {
  for (const std::int64_t count : kCounts)
    for (const std::int64_t rows : kRowCounts) {
      if (rows * count > 10'000'000) continue;  // long, and nothing new
      const std::vector<float> want = twin(rows, count);
      for (const int threads : {1, 2, 3})
        EXPECT_TRUE(same_bits(block_sum(rows, count, threads), want))
            << rows << " rows, " << count << " values, " << threads << " threads";
    }
}

TEST(BlockSum, CanBeUsedAgain) {
  BlockSum<double> sum(20);
  for (int time = 0; time < 3; ++time) {
    std::vector<double> total(20, 1.0);
    sum.add(
        1000, total.data(),
        [](std::int64_t begin, std::int64_t end, double* partial) {
          partial[3] += static_cast<double>(end - begin);
        },
        [] {});
    for (std::size_t c = 0; c < 20; ++c) EXPECT_EQ(total[c], c == 3 ? 1001.0 : 1.0);
  }
}

TEST(BlockSum, PollsBetweenBlocks) {
  omp_set_num_threads(1);
  BlockSum<double> sum(1);
  double total = 0.0;
  int polls = 0;
  sum.add(
      5 * kSumBlockRows, &total, [](std::int64_t, std::int64_t, double*) {}, [&] { ++polls; });
  EXPECT_EQ(polls, 5);
}

}  // namespace
}  // namespace siren::test
