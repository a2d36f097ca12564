// SPDX-License-Identifier: Apache-2.0
#include "comm/ordered_sum.hpp"

#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include <gtest/gtest.h>

#include "siren/communicator.hpp"

namespace siren {
namespace {

/// Element i of rank r's vector: magnitudes that differ so much that the order of additions shows.
template <class Real>
Real part(int rank, std::int64_t i, int round) {
  const double scale = std::pow(10.0, static_cast<double>((5 * rank + 3 * i + round) % 9) - 4.0);
  const double sign = (rank + i) % 2 == 0 ? 1.0 : -1.0;
  return static_cast<Real>(sign * scale * (1.0 + std::sin(static_cast<double>(7 * i + rank))));
}

template <class Real>
std::vector<Real> part_of(int rank, std::int64_t count, int round = 0) {
  std::vector<Real> values;
  for (std::int64_t i = 0; i < count; ++i) values.push_back(part<Real>(rank, i, round));
  return values;
}

template <class Real>
std::vector<Real> sum_in_rank_order(int size, std::int64_t count, int round = 0) {
  std::vector<Real> sum = part_of<Real>(0, count, round);
  for (int r = 1; r < size; ++r)
    for (std::size_t i = 0; i < sum.size(); ++i)
      sum[i] += part<Real>(r, static_cast<std::int64_t>(i), round);
  return sum;
}

template <class Real>
bool same_bits_everywhere(const Communicator& comm, const std::vector<Real>& values) {
  std::vector<Real> of_root = values;
  comm.broadcast(of_root, 0);
  return values.empty() ||
         std::memcmp(of_root.data(), values.data(), values.size() * sizeof(Real)) == 0;
}

template <class Real>
class OrderedAllReduceTest : public testing::Test {
 protected:
  const Communicator comm_ = Communicator::world();
};

using Reals = testing::Types<float, double>;
TYPED_TEST_SUITE(OrderedAllReduceTest, Reals);

TYPED_TEST(OrderedAllReduceTest, EqualsTheSumInRankOrderBitForBit) {
  for (const std::int64_t count : {0, 1, 2, 3, 4, 5, 17, 1000, 100003}) {
    OrderedAllReduce<TypeParam> sum(this->comm_, count);
    std::vector<TypeParam> values = part_of<TypeParam>(this->comm_.rank(), count);
    sum.start(values);
    sum.finish();
    EXPECT_EQ(values, sum_in_rank_order<TypeParam>(this->comm_.size(), count)) << "count " << count;
    EXPECT_TRUE(same_bits_everywhere(this->comm_, values)) << "count " << count;
  }
}

TYPED_TEST(OrderedAllReduceTest, IsReusableWithOrWithoutProgress) {
  const std::int64_t count = 301;
  OrderedAllReduce<TypeParam> sum(this->comm_, count);
  for (int round = 0; round < 20; ++round) {
    std::vector<TypeParam> values = part_of<TypeParam>(this->comm_.rank(), count, round);
    sum.start(values);
    for (int poll = 0; poll < round * (this->comm_.rank() + 1); ++poll) sum.progress();
    sum.finish();
    EXPECT_EQ(values, sum_in_rank_order<TypeParam>(this->comm_.size(), count, round))
        << "round " << round;
  }
}

// Ranks reach the second half of a sum at different moments, so two sums in flight may start theirs
// in different orders on different ranks; they must not mix.
TYPED_TEST(OrderedAllReduceTest, SumsInFlightTogetherDoNotMix) {
  const std::int64_t count = 64;
  OrderedAllReduce<TypeParam> first(this->comm_, count);
  OrderedAllReduce<TypeParam> second(this->comm_, count);
  std::vector<TypeParam> a = part_of<TypeParam>(this->comm_.rank(), count, 1);
  std::vector<TypeParam> b = part_of<TypeParam>(this->comm_.rank(), count, 2);
  first.start(a);
  second.start(b);
  auto& sooner = this->comm_.rank() % 2 == 0 ? first : second;
  auto& later = this->comm_.rank() % 2 == 0 ? second : first;
  this->comm_.barrier();
  for (int poll = 0; poll < 1000; ++poll) sooner.progress();
  for (int poll = 0; poll < 1000; ++poll) later.progress();
  first.finish();
  second.finish();
  EXPECT_EQ(a, sum_in_rank_order<TypeParam>(this->comm_.size(), count, 1));
  EXPECT_EQ(b, sum_in_rank_order<TypeParam>(this->comm_.size(), count, 2));
}

TYPED_TEST(OrderedAllReduceTest, ProgressAloneCanComplete) {
  OrderedAllReduce<TypeParam> sum(this->comm_, 5);
  std::vector<TypeParam> values = part_of<TypeParam>(this->comm_.rank(), 5);
  const std::vector<TypeParam> expected = sum_in_rank_order<TypeParam>(this->comm_.size(), 5);
  sum.start(values);
  while (values != expected) sum.progress();
  sum.finish();
  EXPECT_EQ(values, expected);
}

TYPED_TEST(OrderedAllReduceTest, FinishWithoutStartDoesNothing) {
  OrderedAllReduce<TypeParam> sum(this->comm_, 3);
  sum.progress();
  sum.finish();
}

TYPED_TEST(OrderedAllReduceTest, CountsTheBytesItSends) {
  const std::int64_t size = this->comm_.size();
  const std::int64_t count = 12 * size;  // equal slices of 12
  const OrderedAllReduce<TypeParam> sum(this->comm_, count);
  const std::int64_t values =
      2 * 12 * (size - 1);  // a slice to each other rank, then the own one to all
  EXPECT_EQ(sum.bytes_sent().all, values * static_cast<std::int64_t>(sizeof(TypeParam)));
}

}  // namespace
}  // namespace siren
