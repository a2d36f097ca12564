// SPDX-License-Identifier: Apache-2.0
#include "model/fusion.hpp"

#include <cmath>

#include <gtest/gtest.h>

#include "branch_cases.hpp"
#include "support/finite_difference.hpp"

namespace siren::test {
namespace {

class FusionOf : public ::testing::TestWithParam<Variant> {
 protected:
  const Matrix<double>& forward() {
    fusion_.forward(pass_, zp_.data(), zn_.data(), z_);
    return z_;
  }

  struct Gradient {
    Matrix<double> zp;  // [needed x d]
    Matrix<double> zn;  // [needed x d]
    std::vector<double> dense;
  };
  /// Of L = <c, z>, block by block; uses up the forward.
  Gradient backward(const Matrix<double>& c, std::int64_t block) {
    Gradient g{Matrix<double>(c.rows(), kDimension), copy_of(c),
               std::vector<double>(dense_.size(), 0.0)};
    for (std::int64_t begin = 0; begin < c.rows(); begin += block)
      fusion_.backward_block(pass_, {begin, std::min(begin + block, c.rows())}, g.zn, g.zp,
                             g.dense.data());
    return g;
  }

  /// q . dropout(tanh(W_a z + b_a)) by its definition.
  double score(std::int64_t i, std::uint32_t site, std::span<const double> z) const {
    const Dropout dropout(shape_.seed, shape_.dropout);
    std::uint64_t mask = ~std::uint64_t{0};
    const bool drops = GetParam().training && dropout.active();
    if (drops) dropout.fill(site, 3, needed_.nodes_of(i, i + 1), 1, &mask);
    double sum = 0.0;
    for (std::int64_t out = 0; out < kDimension; ++out) {
      double h = dense_[static_cast<std::size_t>(layout_.attention_bias() + out)];
      for (std::int64_t in = 0; in < kDimension; ++in)
        h += dense_[static_cast<std::size_t>(layout_.attention_weight() + out * layout_.width() +
                                             in)] *
             z[static_cast<std::size_t>(in)];
      const double keep = (mask >> out & 1U) != 0 ? (drops ? dropout.scale() : 1.0) : 0.0;
      sum += dense_[static_cast<std::size_t>(layout_.query() + out)] * keep * std::tanh(h);
    }
    return sum;
  }

  ModelShape shape_ = shape_of(GetParam());
  DenseLayout layout_{shape_};
  RowSet needed_ = some_rows();
  Matrix<double> zp_ = random_table(needed_.size(), 1);
  Matrix<double> zn_ = random_table(needed_.size(), 2);
  Matrix<double> z_{0, kDimension};
  std::vector<double> dense_ = random_dense(shape_);
  Pass<double> pass_{needed_, dense_.data(), {GetParam().training, 3}};
  Fusion<Fp64> fusion_{shape_, kernels<Fp64>(best_isa())};
};

TEST_P(FusionOf, ForwardBlendsByTheSoftmaxOfTheScores) {
  const Matrix<double>& z = forward();
  ASSERT_EQ(z.rows(), needed_.size());
  for (std::int64_t i = 0; i < needed_.size(); ++i) {
    const auto zp = std::as_const(zp_).row_values(i);
    const auto zn = std::as_const(zn_).row_values(i);
    double alpha = 0.5;
    if (GetParam().attention) {
      const double p = std::exp(score(i, kAttentionLikedSite, zp));
      const double n = std::exp(score(i, kAttentionDislikedSite, zn));
      alpha = p / (p + n);
    }
    for (std::size_t c = 0; c < kDimension; ++c)  // scores are sums of twenty terms of order one
      EXPECT_NEAR(z(i, static_cast<std::int64_t>(c)), alpha * zp[c] + (1 - alpha) * zn[c], 1e-13)
          << "row " << i << " column " << c;
    for (std::int64_t c = kDimension; c < z.stride(); ++c) EXPECT_EQ(z(i, c), 0.0) << "padding";
  }
}

TEST_P(FusionOf, BackwardIsTheDerivative) {
  const Matrix<double> c = random_table(needed_.size(), 3);
  const auto loss = [&] { return product(c, forward()); };
  forward();
  const Gradient g = backward(c, 3);
  for (std::int64_t i = 0; i < needed_.size(); ++i)
    for (std::int64_t column = 0; column < kDimension; ++column) {
      EXPECT_TRUE(is_derivative(g.zp(i, column), central_difference(zp_(i, column), loss)))
          << "zp row " << i << " column " << column;
      EXPECT_TRUE(is_derivative(g.zn(i, column), central_difference(zn_(i, column), loss)))
          << "zn row " << i << " column " << column;
    }
  each_dense_value(layout_, [&](const std::string& name, std::size_t at) {
    EXPECT_TRUE(is_derivative(g.dense[at], central_difference(dense_[at], loss)))
        << name << " value " << at;
  });
}

TEST_P(FusionOf, BlocksAreIndependent) {
  const Matrix<double> c = random_table(needed_.size(), 3);
  forward();
  const Gradient whole = backward(c, needed_.size());
  forward();
  const Gradient pieces = backward(c, 2);
  for (std::int64_t i = 0; i < needed_.size(); ++i)
    for (std::int64_t column = 0; column < kDimension; ++column) {
      EXPECT_EQ(pieces.zn(i, column), whole.zn(i, column));
      EXPECT_EQ(pieces.zp(i, column), whole.zp(i, column));
    }
}

INSTANTIATE_TEST_SUITE_P(Variants, FusionOf,
                         ::testing::Values(Variant{"plain"}, Variant{"no_attention", 2, false},
                                           Variant{"evaluation", 2, true, false},
                                           Variant{"quarter", 2, true, true, 0.25},
                                           Variant{"no_dropout", 2, true, true, 0.0},
                                           Variant{"no_layer", 0}),
                         [](const auto& sample) { return sample.param.name; });

}  // namespace
}  // namespace siren::test
