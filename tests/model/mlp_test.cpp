// SPDX-License-Identifier: Apache-2.0
#include "model/mlp.hpp"

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>
#include <omp.h>

#include "branch_cases.hpp"
#include "support/finite_difference.hpp"

namespace siren::test {
namespace {

class Layers : public ::testing::TestWithParam<Variant> {
 protected:
  const Matrix<double>& forward() {
    mlp_.forward(pass_, table_, [] {});
    return mlp_.output();
  }

  /// dL/dY(0) and the tensors' gradients for L = <c, output>, block by block.
  Matrix<double> backward(const Matrix<double>& c, std::vector<double>& dense_gradient,
                          std::int64_t block) {
    Matrix<double> d = copy_of(c);
    Matrix<double> input(d.rows(), d.columns());
    for (std::int64_t begin = 0; begin < d.rows(); begin += block) {
      const std::int64_t end = std::min(begin + block, d.rows());
      mlp_.backward_block(pass_, {begin, end}, d, input, dense_gradient.data());
    }
    return input;
  }

  ModelShape shape_ = shape_of(GetParam());
  DenseLayout layout_{shape_};
  RowSet needed_ = some_rows();
  Matrix<double> table_ = random_table(kTableRows, 1);
  std::vector<double> dense_ = random_dense(shape_);
  Pass<double> pass_{needed_, dense_.data(), {GetParam().training, 3}};
  Mlp<Fp64> mlp_{layout_, GetParam().last, Dropout(shape_.seed, shape_.dropout),
                 kernels<Fp64>(best_isa())};
};

TEST_P(Layers, ForwardFollowsTheDefinition) {
  const Matrix<double>& made = forward();
  ASSERT_EQ(made.rows(), needed_.size());
  const Dropout dropout(shape_.seed, shape_.dropout);
  for (std::int64_t i = 0; i < needed_.size(); ++i) {
    std::vector<double> y(table_.row_values(needed_.row(i)).begin(),
                          table_.row_values(needed_.row(i)).end());
    for (int layer = 0; layer < shape_.mlp_layers; ++layer) {
      const bool linear = layer + 1 == shape_.mlp_layers && GetParam().last == LastLayer::kLinear;
      std::uint64_t mask = ~std::uint64_t{0};
      if (GetParam().training && dropout.active())
        dropout.fill(static_cast<std::uint32_t>(layer), 3, needed_.nodes_of(i, i + 1), 1, &mask);
      std::vector<double> next;
      for (std::int64_t out = 0; out < kDimension; ++out) {
        double sum = dense_[static_cast<std::size_t>(layout_.bias(layer) + out)];
        for (std::int64_t in = 0; in < kDimension; ++in)
          sum +=
              dense_[static_cast<std::size_t>(layout_.weight(layer) + out * layout_.width() + in)] *
              y[static_cast<std::size_t>(in)];
        const double scale = GetParam().training ? dropout.scale() : 1.0;
        if (linear) {
          next.push_back(sum);
          continue;
        }
        next.push_back((mask >> out & 1U) != 0 ? std::max(sum, 0.0) * scale : 0.0);
      }
      y = next;
    }
    // sums of twenty products of order one
    for (std::int64_t c = 0; c < kDimension; ++c)
      EXPECT_NEAR(made(i, c), y[static_cast<std::size_t>(c)], 1e-13)
          << "row " << i << " column " << c;
    for (std::int64_t c = kDimension; c < made.stride(); ++c)
      EXPECT_EQ(made(i, c), 0.0) << "padding";
  }
}

TEST_P(Layers, BackwardIsTheDerivative) {
  const Matrix<double> c = random_table(needed_.size(), 2);
  const auto loss = [&] { return product(c, forward()); };
  forward();
  std::vector<double> dense_gradient(dense_.size(), 0.0);
  const Matrix<double> d = backward(c, dense_gradient, 3);
  for (std::int64_t i = 0; i < needed_.size(); ++i)
    for (std::int64_t column = 0; column < kDimension; ++column) {
      double& value = table_(needed_.row(i), column);
      EXPECT_TRUE(is_derivative(d(i, column), central_difference(value, loss)))
          << "row " << i << " column " << column;
    }
  each_dense_value(layout_, [&](const std::string& name, std::size_t at) {
    if (!name.starts_with("mlp")) return;
    EXPECT_TRUE(is_derivative(dense_gradient[at], central_difference(dense_[at], loss)))
        << name << " value " << at;
  });
}

TEST_P(Layers, GradientsAreAddedAndPaddingStaysZero) {
  const Matrix<double> c = random_table(needed_.size(), 2);
  forward();
  std::vector<double> once(dense_.size(), 0.0);
  std::vector<double> twice(dense_.size(), 0.0);
  backward(c, once, needed_.size());
  backward(c, twice, needed_.size());
  const Matrix<double> d = backward(c, twice, needed_.size());
  std::vector<bool> stored(dense_.size(), false);
  each_dense_value(layout_, [&](const std::string&, std::size_t at) { stored[at] = true; });
  // the second time starts from the first: a few roundings
  for (std::size_t at = 0; at < once.size(); ++at)
    EXPECT_NEAR(twice[at], stored[at] ? 2 * once[at] : 0.0, 1e-14 * (1.0 + std::abs(once[at])) * 10)
        << at;
  for (std::int64_t i = 0; i < d.rows(); ++i)
    for (std::int64_t column = kDimension; column < d.stride(); ++column)
      EXPECT_EQ(d(i, column), 0.0);
}

TEST_P(Layers, ARowHasTheSameBitsInAnySetOfRows) {
  const Matrix<double> together = copy_of(forward());
  for (std::int64_t i = 0; i < needed_.size(); ++i) {
    const RowSet one{{needed_.row(i)}, {needed_.nodes[static_cast<std::size_t>(i)]}};
    const Pass<double> pass{one, dense_.data(), pass_.mode};
    mlp_.forward(pass, table_, [] {});
    for (std::int64_t c = 0; c < kDimension; ++c)
      EXPECT_EQ(mlp_.output()(0, c), together(i, c)) << "row " << i << " column " << c;
  }
}

// As in the polarity branch, whose rows end with a bias that fits into the padding.
TEST_P(Layers, FurtherColumnsOfTheTableAreNoInput) {
  const Matrix<double> c = random_table(needed_.size(), 2);
  const Matrix<double> want = copy_of(forward());
  std::vector<double> want_dense(dense_.size(), 0.0);
  const Matrix<double> want_input = backward(c, want_dense, 3);
  Matrix<double> wider(table_.rows(), kDimension + 1);
  for (std::int64_t r = 0; r < table_.rows(); ++r) {
    std::copy_n(table_.row(r), kDimension, wider.row(r));
    wider(r, kDimension) = 5.0;
  }
  ASSERT_EQ(wider.stride(), table_.stride());
  mlp_.forward(pass_, wider, [] {});
  EXPECT_TRUE(std::ranges::equal(mlp_.output().span(), want.span()));
  std::vector<double> dense(dense_.size(), 0.0);
  const Matrix<double> input = backward(c, dense, 3);
  EXPECT_EQ(dense, want_dense);
  EXPECT_TRUE(std::ranges::equal(input.span(), want_input.span()));
}

INSTANTIATE_TEST_SUITE_P(
    Variants, Layers,
    ::testing::Values(Variant{"plain"}, Variant{"one_layer", 1}, Variant{"three_layers", 3},
                      Variant{"no_layer", 0}, Variant{"evaluation", 2, true, false},
                      Variant{"quarter", 2, true, true, 0.25},
                      Variant{"no_dropout", 2, true, true, 0.0},
                      Variant{"linear", 2, true, true, 0.0, LastLayer::kLinear},
                      Variant{"one_linear", 1, true, true, 0.5, LastLayer::kLinear}),
    [](const auto& sample) { return sample.param.name; });

}  // namespace
}  // namespace siren::test
