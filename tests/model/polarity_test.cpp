// SPDX-License-Identifier: Apache-2.0
#include "model/polarity.hpp"

#include <cmath>

#include <gtest/gtest.h>

#include "siren/ids.hpp"
#include "support/finite_difference.hpp"

namespace siren::test {
namespace {

constexpr std::int64_t kDimension = 5;
constexpr std::int64_t kUsers = 4;
constexpr std::int64_t kSlots = 6;

/// Rows of users end in [b, 1], those of items in [1, b].
Matrix<double> extended(std::int64_t rows, bool users, int seed) {
  Matrix<double> made(rows, kDimension + 2);
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t c = 0; c < kDimension + 2; ++c)
      made(r, c) = std::sin(static_cast<double>(seed + 7 * r + 3 * c));
    made(r, users ? kDimension + 1 : kDimension) = 1.0;
  }
  return made;
}

/// Ratings of three of the users, one of them neutral; slot 5 has none.
struct Batch {
  std::vector<std::int32_t> user = {0, 0, 0, 2, 2, 3};
  std::vector<std::int32_t> slot = {1, 0, 4, 1, 3, 2};
  std::vector<std::int8_t> mark = {0, 3, 2, 1, kNeutralMark + 1, 2};

  PolarityBatch view() const { return {user, slot, mark}; }
};

/// By the formulas.
double plain_loss(const Batch& batch, std::span<const double> theta, std::int32_t offset,
                  const Matrix<double>& users, const Matrix<double>& items) {
  double loss = 0.0;
  for (std::size_t n = 0; n < batch.user.size(); ++n) {
    const std::int64_t u = batch.user[n];
    const std::int64_t i = batch.slot[n];
    double f = users(u, kDimension) + items(i, kDimension + 1);
    for (std::int64_t c = 0; c < kDimension; ++c) f += users(u, c) * items(i, c);
    const bool neutral = batch.mark[n] >= kNeutralMark;
    const int level = batch.mark[n] % kNeutralMark;
    double sum = 0.0;
    int cuts = 0;
    for (std::size_t k = 0; k < theta.size(); ++k) {
      if (neutral && static_cast<std::int32_t>(k) == offset) continue;
      const double p = 1.0 / (1.0 + std::exp(theta[k] - f));
      sum -= std::log(level > static_cast<int>(k) ? p : 1.0 - p);
      ++cuts;
    }
    if (cuts > 0) loss += cuts == 1 ? sum : 2.0 * sum / cuts;
  }
  return loss;
}

class PolarityTest : public ::testing::TestWithParam<int> {
 protected:
  std::vector<double> theta_ = [] {
    std::vector<double> theta = {-1.2, 0.1, 0.7};
    theta.resize(static_cast<std::size_t>(GetParam()));
    return theta;
  }();
  std::int32_t offset_ = GetParam() == 1 ? 0 : 1;
  Batch batch_;
  Matrix<double> users_ = extended(kUsers, true, 1);
  Matrix<double> items_ = extended(kSlots, false, 2);
};

TEST_P(PolarityTest, IsTheFormulaWithItsDerivatives) {
  const auto plain = [&] { return plain_loss(batch_, theta_, offset_, users_, items_); };
  for (int level = 0; level <= static_cast<int>(best_isa()); ++level) {
    PolarityLoss<Fp64> loss(GetParam(), offset_, kernels<Fp64>(static_cast<Isa>(level)));
    for (int round = 0; round < 2; ++round) {  // nothing of a batch is left for the next
      Matrix<double> user_gradient(kUsers, kDimension + 2);
      Matrix<double> item_gradient = extended(kSlots, false, 9);  // is assigned
      std::vector<double> theta_gradient(theta_.size(), 7.0);
      const double got = loss.add(batch_.view(), theta_, users_, items_,
                                  {user_gradient, item_gradient, theta_gradient});
      EXPECT_NEAR(got, plain(), 1e-13 * plain()) << level;
      for (const std::int64_t u : {0, 2, 3}) {
        for (std::int64_t c = 0; c <= kDimension; ++c)
          EXPECT_TRUE(is_derivative(user_gradient(u, c), central_difference(users_(u, c), plain)));
        EXPECT_EQ(user_gradient(u, kDimension + 1), u == 0 ? 3 : (u == 2 ? 2 : 1));
      }
      EXPECT_EQ(user_gradient(1, kDimension + 1), 0.0);
      const std::vector<double> ratings = {1, 2, 1, 1, 1, 0};
      for (std::int64_t i = 0; i < kSlots; ++i) {
        for (std::int64_t c = 0; c < kDimension + 2; ++c) {
          if (c == kDimension) continue;
          EXPECT_TRUE(is_derivative(item_gradient(i, c), central_difference(items_(i, c), plain)));
        }
        EXPECT_EQ(item_gradient(i, kDimension), ratings[as_index(i)]);
      }
      for (std::size_t k = 0; k < theta_.size(); ++k)
        EXPECT_TRUE(is_derivative(theta_gradient[k], central_difference(theta_[k], plain)));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Cuts, PolarityTest, ::testing::Values(1, 2, 3));

TEST(Thetas, AscendAndBeginAtTheSharesOfTheCuts) {
  const RatingCuts cuts{{1.5F, 2.5F, 3.5F}, 1, {0.9, 0.5, 0.2}};
  const std::vector<double> theta = thetas(initial_thetas(cuts));
  ASSERT_EQ(theta.size(), 3U);
  for (std::size_t k = 0; k < 3; ++k)
    EXPECT_NEAR(1.0 / (1.0 + std::exp(theta[k])), cuts.share_above[k], 1e-12);
}

TEST(Thetas, AscendWhereSharesDoNot) {
  const RatingCuts cuts{
      {1.5F, 2.0F}, 1, {0.3, 0.6}};  // without neutral ratings the share is larger
  const std::vector<double> theta = thetas(initial_thetas(cuts));
  EXPECT_NEAR(theta[1] - theta[0], 0.01, 1e-12);
}

TEST(Thetas, FollowWhatIsLearnt) {
  const std::vector<double> learnt = {-1.0, std::log(0.5), std::log(2.0)};
  const std::vector<double> theta = thetas(learnt);
  EXPECT_NEAR(theta[0], -1.0, 1e-15);
  EXPECT_NEAR(theta[1], -0.5, 1e-15);
  EXPECT_NEAR(theta[2], 1.5, 1e-15);
}

}  // namespace
}  // namespace siren::test
