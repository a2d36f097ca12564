// SPDX-License-Identifier: Apache-2.0
#include "model/sampled_loss.hpp"

#include <cmath>
#include <random>

#include <gtest/gtest.h>
#include <omp.h>

#include "support/finite_difference.hpp"

namespace siren::test {
namespace {

constexpr std::int64_t kDimension = 20;
constexpr int kNegatives = 5;

struct Sample {
  std::string name;
  double dislike_factor = 2.0;
  double reg = 0.05;
};
std::ostream& operator<<(std::ostream& out, const Sample& sample) {
  return out << sample.name;
}

TrainConfig with_factor(double dislike_factor) {
  TrainConfig config;
  config.dislike_factor = dislike_factor;
  return config;
}

/// Liked and disliked ratings of users with one, several and no terms; items occur in many ratings,
/// and a negative may be drawn twice for one.
struct Batch {
  std::vector<std::int32_t> user = {0, 0, 0, 1, 2, 2, 4, 4, 5};
  std::vector<std::int8_t> sign = {1, -1, 1, -1, 1, 1, -1, -1, 1};
  std::vector<std::int32_t> slots;
  std::int64_t users = 7;  // rows 3 and 6 are in no rating
  std::int64_t items = 9;  // the last in none

  Batch() {
    std::mt19937 random(2);
    for (std::size_t n = 0; n < user.size() * (kNegatives + 1); ++n)
      slots.push_back(static_cast<std::int32_t>(random() % 8));
    slots[1 * (kNegatives + 1)] = kNoSlot;
    slots[3 * (kNegatives + 1)] = kNoSlot;  // user 1 has no term at all
    slots[2] = slots[1];
  }
  LossChunk chunk(bool first = true) const { return {user, sign, slots, first}; }
};

template <class Real>
Matrix<Real> table(std::int64_t rows, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> any(-1.0, 1.0);
  Matrix<Real> made(rows, kDimension);
  for (std::int64_t r = 0; r < rows; ++r)
    for (std::int64_t c = 0; c < kDimension; ++c) made(r, c) = static_cast<Real>(any(random));
  return made;
}

double dot(const Matrix<double>& a, std::int64_t i, const Matrix<double>& b, std::int64_t j) {
  double sum = 0.0;
  for (std::int64_t c = 0; c < kDimension; ++c) sum += a(i, c) * b(j, c);
  return sum;
}

class Loss : public ::testing::TestWithParam<Sample> {
 protected:
  LossSum add(Matrix<double>& user_gradient, Matrix<double>& item_gradient, bool first = false) {
    return loss_.add(batch_.chunk(first), users_, items_, user_gradient, item_gradient);
  }
  LossSum add() {
    Matrix<double> u(batch_.users, kDimension), i(batch_.items, kDimension);
    return add(u, i);
  }

  Batch batch_;
  Matrix<double> users_ = table<double>(batch_.users, 1);
  Matrix<double> items_ = table<double>(batch_.items, 2);
  SampledLoss<Fp64> loss_{
      make_loss_term(with_factor(GetParam().dislike_factor), kernels<Fp64>(best_isa())), kNegatives,
      GetParam().reg, kernels<Fp64>(best_isa())};
};

TEST_P(Loss, FollowsTheDefinition) {
  double loss = 0.0;
  double reg = 0.0;
  for (std::size_t n = 0; n < batch_.user.size(); ++n) {
    const std::int32_t* slots = batch_.slots.data() + n * (kNegatives + 1);
    if (slots[0] == kNoSlot) continue;
    const std::int32_t u = batch_.user[n];
    reg += dot(users_, u, users_, u) + dot(items_, slots[0], items_, slots[0]);
    for (int k = 1; k <= kNegatives; ++k) {
      const double c = batch_.sign[n] > 0 ? 1.0 : GetParam().dislike_factor;
      const double x = c * dot(users_, u, items_, slots[0]) - dot(users_, u, items_, slots[k]);
      loss += std::log1p(std::exp(-x));
      reg += dot(items_, slots[k], items_, slots[k]);
    }
  }
  const LossSum sum = add();
  EXPECT_NEAR(sum.loss, loss, 1e-13 * loss);  // 35 terms
  EXPECT_NEAR(sum.reg, GetParam().reg * reg, 1e-13 * reg);
}

TEST_P(Loss, GradientsAreTheDerivatives) {
  const auto total = [&] {
    const LossSum sum = add();
    return sum.loss + sum.reg;
  };
  Matrix<double> user_gradient(batch_.users, kDimension);
  Matrix<double> item_gradient(batch_.items, kDimension);
  add(user_gradient, item_gradient);
  for (std::int64_t c = 0; c < kDimension; ++c) {
    for (std::int64_t u = 0; u < batch_.users; ++u)
      EXPECT_TRUE(is_derivative(user_gradient(u, c), central_difference(users_(u, c), total), 100))
          << "user " << u << " column " << c;
    for (std::int64_t i = 0; i < batch_.items; ++i)
      EXPECT_TRUE(is_derivative(item_gradient(i, c), central_difference(items_(i, c), total), 100))
          << "item " << i << " column " << c;
  }
}

TEST_P(Loss, GradientsAreAddedAndRowsWithoutTermStayAsTheyAre) {
  Matrix<double> user_gradient(batch_.users, kDimension);
  Matrix<double> item_gradient(batch_.items, kDimension);
  add(user_gradient, item_gradient);
  Matrix<double> more_users(batch_.users, kDimension);
  Matrix<double> more_items(batch_.items, kDimension);
  for (double& x : more_users.span()) x = 1.0;
  for (double& x : more_items.span()) x = 1.0;
  add(more_users, more_items);
  for (std::int64_t c = 0; c < kDimension; ++c) {
    for (std::int64_t u = 0; u < batch_.users; ++u)
      EXPECT_NEAR(more_users(u, c), 1.0 + user_gradient(u, c),
                  1e-13);  // another order of a few terms
    for (std::int64_t i = 0; i < batch_.items; ++i)
      EXPECT_NEAR(more_items(i, c), 1.0 + item_gradient(i, c), 1e-13);
    for (const std::int64_t u : {1, 3, 6}) EXPECT_EQ(more_users(u, c), 1.0) << "user " << u;
    EXPECT_EQ(more_items(8, c), 1.0);
  }
  for (const double x : user_gradient.span()) ASSERT_TRUE(std::isfinite(x));
}

TEST_P(Loss, TheFirstChunkOfABatchAssignsTheGradientsOfItems) {
  Matrix<double> users(batch_.users, kDimension), added(batch_.items, kDimension);
  add(users, added);
  Matrix<double> assigned(batch_.items, kDimension);
  for (double& x : assigned.span()) x = 1.0;
  add(users, assigned, true);
  EXPECT_TRUE(std::equal(added.span().begin(), added.span().end(), assigned.span().begin()));
}

INSTANTIATE_TEST_SUITE_P(Samples, Loss,
                         ::testing::Values(Sample{"defaults"}, Sample{"no_reg", 2.0, 0.0},
                                           Sample{"strong_reg", 2.0, 1.5}, Sample{"half", 0.5},
                                           Sample{"negative", -1.0}),
                         [](const auto& sample) { return sample.param.name; });

TEST(SampledLoss, NoRatingOrNoTermIsANormalCase) {
  SampledLoss<Fp64> loss(make_loss_term(with_factor(2.0), kernels<Fp64>(best_isa())), kNegatives,
                         0.05, kernels<Fp64>(best_isa()));
  Matrix<double> nothing(0, kDimension), none(0, kDimension), no_gradient(0, kDimension),
      no_items(0, kDimension);
  LossSum sum = loss.add({}, nothing, none, no_gradient, no_items);
  EXPECT_EQ(sum.loss + sum.reg, 0.0);
  // every user has rated everything: no row of Z is needed
  const std::vector<std::int32_t> user = {0, 0};
  const std::vector<std::int8_t> sign = {1, -1};
  const std::vector<std::int32_t> slots(2 * (kNegatives + 1), kNoSlot);
  sum = loss.add({user, sign, slots}, nothing, none, no_gradient, no_items);
  EXPECT_EQ(sum.loss + sum.reg, 0.0);
}

// Ratings without a term carry user row 0, wherever they stand; that row's gradient must not be
// written by two threads.
TEST(SampledLoss, RatingsWithoutTermLeaveTheFirstUserAlone) {
  constexpr std::int32_t kUsers = 400;
  std::vector<std::int32_t> user, slots;
  std::vector<std::int8_t> sign;
  for (std::int32_t u = 0; u < kUsers; ++u) {
    user.insert(user.end(), {u, 0});
    sign.insert(sign.end(), {1, 1});
    slots.insert(slots.end(), {0, 1, 2, 3, 4, 5, kNoSlot, -7, -7, -7, -7, -7});
  }
  const Matrix<double> items = table<double>(6, 2);
  SampledLoss<Fp64> loss(make_loss_term(with_factor(2.0), kernels<Fp64>(best_isa())), kNegatives,
                         0.05, kernels<Fp64>(best_isa()));
  // a touch shows, were it with a factor of zero: that times infinity is NaN
  Matrix<double> poisoned = table<double>(kUsers, 1);
  for (std::int64_t c = 0; c < kDimension; ++c)
    poisoned(0, c) = std::numeric_limits<double>::infinity();
  std::vector<std::int32_t> without = slots;
  without[0] = kNoSlot;  // user 0 has no term either
  Matrix<double> user_gradient(kUsers, kDimension), item_gradient(6, kDimension);
  loss.add({user, sign, without}, poisoned, items, user_gradient, item_gradient);
  for (std::int64_t c = 0; c < kDimension; ++c) EXPECT_EQ(user_gradient(0, c), 0.0);
}

template <class Precision>
struct Gradients {
  using Real = typename Precision::Real;
  Matrix<Real> users, items;
  LossSum sum;

  Gradients(const LossChunk& chunk, std::int64_t user_rows, std::int64_t item_rows)
      : users(user_rows, kDimension), items(item_rows, kDimension) {
    SampledLoss<Precision> loss(make_loss_term(with_factor(2.0), kernels<Precision>(best_isa())),
                                kNegatives, 0.05, kernels<Precision>(best_isa()));
    const Matrix<Real> z = table<Real>(user_rows, 1);
    const Matrix<Real> real = table<Real>(item_rows, 2);
    Matrix<typename Precision::Stored> stored(item_rows, kDimension);
    for (std::int64_t r = 0; r < item_rows; ++r)
      for (std::int64_t c = 0; c < kDimension; ++c)
        stored(r, c) = static_cast<typename Precision::Stored>(real(r, c));
    sum = loss.add(chunk, z, stored, users, items);
  }
};

template <class Precision>
class LossOf : public ::testing::Test {};
using Precisions = ::testing::Types<Fp32, Bf16, Fp64>;
TYPED_TEST_SUITE(LossOf, Precisions);

TYPED_TEST(LossOf, HasTheSameBitsForAnyNumberOfThreads) {
  std::mt19937 random(7);
  std::vector<std::int32_t> user, slots;
  std::vector<std::int8_t> sign;
  for (std::int32_t u = 0; u < 300; ++u)
    for (std::uint32_t n = 0; n < random() % 5; ++n) {
      user.push_back(u);
      sign.push_back(random() % 2 == 0 ? 1 : -1);
      for (int k = 0; k <= kNegatives; ++k)
        slots.push_back(static_cast<std::int32_t>(random() % 200));
    }
  const LossChunk chunk{user, sign, slots};
  const Gradients<TypeParam> alone(chunk, 300, 200);
  for (const int threads : {2, 3}) {
    omp_set_num_threads(threads);
    const Gradients<TypeParam> together(chunk, 300, 200);
    omp_set_num_threads(1);
    EXPECT_EQ(together.sum.loss, alone.sum.loss);
    EXPECT_EQ(together.sum.reg, alone.sum.reg);
    EXPECT_TRUE(std::equal(alone.users.span().begin(), alone.users.span().end(),
                           together.users.span().begin()));
    EXPECT_TRUE(std::equal(alone.items.span().begin(), alone.items.span().end(),
                           together.items.span().begin()));
  }
}

// Float rounds each of some dozen operations a value by 2^-24; bfloat16 rounds the items by 2^-9.
TYPED_TEST(LossOf, AgreesWithDoubleToItsPrecision) {
  const Batch batch;
  const Gradients<Fp64> want(batch.chunk(), batch.users, batch.items);
  const Gradients<TypeParam> got(batch.chunk(), batch.users, batch.items);
  const double tolerance = std::is_same_v<TypeParam, Bf16> ? 0.1 : 1e-4;
  EXPECT_NEAR(got.sum.loss, want.sum.loss, tolerance * want.sum.loss);
  EXPECT_NEAR(got.sum.reg, want.sum.reg, tolerance * want.sum.reg);
  for (std::int64_t c = 0; c < kDimension; ++c) {
    for (std::int64_t u = 0; u < batch.users; ++u)
      EXPECT_NEAR(static_cast<double>(got.users(u, c)), want.users(u, c), tolerance);
    for (std::int64_t i = 0; i < batch.items; ++i)
      EXPECT_NEAR(static_cast<double>(got.items(i, c)), want.items(i, c), tolerance);
  }
}

}  // namespace
}  // namespace siren::test
