// SPDX-License-Identifier: Apache-2.0
#include "model/initialise.hpp"

#include <cmath>
#include <numeric>

#include <gtest/gtest.h>
#include <omp.h>

namespace siren {
namespace {

constexpr ModelShape kShape{.nodes = 5000, .dimension = 50, .seed = 4};

std::vector<NodeId> all_nodes() {
  std::vector<NodeId> nodes(static_cast<std::size_t>(kShape.nodes));
  std::iota(nodes.begin(), nodes.end(), 0);
  return nodes;
}

Matrix<double> table_of(Purpose purpose, const std::vector<NodeId>& nodes,
                        const ModelShape& shape = kShape) {
  Matrix<double> table(static_cast<std::int64_t>(nodes.size()), shape.dimension);
  initialise_table(shape, purpose, nodes, table);
  return table;
}

struct Moments {
  double mean = 0.0;
  double variance = 0.0;
  double count = 0.0;
};
template <class Visit>
Moments moments(const Visit& each_value) {
  double count = 0, sum = 0, squares = 0;
  each_value([&](double x) {
    ++count;
    sum += x;
    squares += x * x;
  });
  return {sum / count, squares / count - sum / count * sum / count, count};
}

/// Five standard deviations of each estimate; `kurtosis` is 3 for normals, 9/5 for uniforms.
void expect_moments(const Moments& got, double variance, double kurtosis) {
  EXPECT_NEAR(got.mean, 0.0, 5 * std::sqrt(variance / got.count));
  EXPECT_NEAR(got.variance, variance, 5 * variance * std::sqrt((kurtosis - 1) / got.count));
}

TEST(InitialiseTable, IsXavierNormalOverTheWholeTable) {
  for (const Purpose purpose : {Purpose::kInitLiked, Purpose::kInitDisliked}) {
    const Matrix<double> table = table_of(purpose, all_nodes());
    expect_moments(moments([&](const auto& visit) {
                     for (std::int64_t r = 0; r < table.rows(); ++r)
                       for (const double x : table.row_values(r)) visit(x);
                   }),
                   2.0 / (5000 + 50), 3.0);
    for (std::int64_t r = 0; r < table.rows(); ++r)
      for (std::int64_t c = table.columns(); c < table.stride(); ++c)
        ASSERT_EQ(table(r, c), 0.0) << "padding";
  }
}

TEST(InitialiseTable, ARowDependsOnItsNodeAlone) {
  const Matrix<double> whole = table_of(Purpose::kInitLiked, all_nodes());
  const std::vector<NodeId> some = {4999, 7, 0, 1234};
  omp_set_num_threads(3);
  const Matrix<double> part = table_of(Purpose::kInitLiked, some);
  omp_set_num_threads(1);
  for (std::size_t i = 0; i < some.size(); ++i)
    for (std::int64_t c = 0; c < kShape.dimension; ++c)
      EXPECT_EQ(part(static_cast<std::int64_t>(i), c), whole(some[i], c)) << "node " << some[i];
  Matrix<double> nobody(0, kShape.dimension);
  initialise_table(kShape, Purpose::kInitLiked, {}, nobody);
}

TEST(InitialiseTable, TablesSeedsAndHighNodesDiffer) {
  ModelShape reseeded = kShape;
  reseeded.seed = 5;
  const std::vector<NodeId> one = {3};
  const Matrix<double> row = table_of(Purpose::kInitLiked, one);
  for (const Matrix<double>& other :
       {table_of(Purpose::kInitDisliked, one), table_of(Purpose::kInitLiked, one, reseeded),
        table_of(Purpose::kInitLiked, {4}), table_of(Purpose::kInitLiked, {3 + (NodeId{1} << 32)})})
    for (std::int64_t c = 0; c < kShape.dimension; ++c) EXPECT_NE(row(0, c), other(0, c)) << c;
}

TEST(InitialiseTable, FloatIsTheRoundedDouble) {
  const std::vector<NodeId> nodes = {1, 2, 3};
  const Matrix<double> wide = table_of(Purpose::kInitLiked, nodes);
  Matrix<float> narrow(3, kShape.dimension);
  initialise_table(kShape, Purpose::kInitLiked, nodes, narrow);
  for (std::int64_t r = 0; r < 3; ++r)
    for (std::int64_t c = 0; c < kShape.dimension; ++c)
      EXPECT_EQ(narrow(r, c), static_cast<float>(wide(r, c)));
}

TEST(InitialiseDense, WeightsAreXavierNormalAndBiasesUniform) {
  ModelShape shape = kShape;
  shape.dimension = 200;
  const DenseLayout layout(shape);
  std::vector<double> values(static_cast<std::size_t>(layout.size()), 99.0);
  initialise_dense(shape, layout, std::span(values));
  const double bound = 1.0 / std::sqrt(200.0);
  for (const TensorInfo& tensor : layout.tensors()) {
    SCOPED_TRACE(tensor.name);
    const auto each_value = [&](const auto& visit) {
      for (std::int64_t r = 0; r < tensor.rows; ++r)
        for (std::int64_t c = 0; c < tensor.columns; ++c)
          visit(values[static_cast<std::size_t>(tensor.begin + r * layout.width() + c)]);
    };
    const bool square = tensor.rows > 1;
    expect_moments(moments(each_value), square ? 2.0 / (200 + 200) : bound * bound / 3,
                   square ? 3.0 : 1.8);
    if (!square) each_value([&](double x) { EXPECT_LE(std::abs(x), bound); });
  }
}

TEST(InitialiseDense, LayersOfPolarityAreXavierNormalAndBiasesZero) {
  ModelShape shape = kShape;
  shape.dimension = 100;
  const DenseLayout layout("polarity", 3, shape.dimension, 2);
  std::vector<double> values(static_cast<std::size_t>(layout.size()), 0.0);
  values[1] = 7.0;  // of theta
  initialise_polarity_layers(shape.seed, layout, std::span(values));
  EXPECT_EQ(values[1], 7.0);
  const DenseLayout of_siren(shape);
  std::vector<double> siren(static_cast<std::size_t>(of_siren.size()));
  initialise_dense(shape, of_siren, std::span(siren));
  const auto weight = [&](const std::vector<double>& of, const DenseLayout& in, int layer,
                          std::int64_t r, std::int64_t c) {
    return of[static_cast<std::size_t>(in.weight(layer) + r * in.width() + c)];
  };
  for (const int layer : {0, 1}) {
    const auto each_value = [&](const auto& visit) {
      for (std::int64_t r = 0; r < shape.dimension; ++r)
        for (std::int64_t c = 0; c < shape.dimension; ++c)
          visit(weight(values, layout, layer, r, c));
    };
    expect_moments(moments(each_value), 2.0 / (100 + 100), 3.0);
    for (std::int64_t c = 0; c < shape.dimension; ++c) {
      EXPECT_EQ(values[static_cast<std::size_t>(layout.bias(layer) + c)], 0.0);
      EXPECT_NE(weight(values, layout, layer, 0, c), weight(values, layout, 1 - layer, 0, c));
      EXPECT_NE(weight(values, layout, layer, 0, c), weight(siren, of_siren, layer, 0, c));
    }
    for (std::int64_t c = shape.dimension; c < layout.width(); ++c)
      EXPECT_EQ(weight(values, layout, layer, 0, c), 0.0) << "padding";
  }
}

TEST(InitialiseDense, TensorsDifferAndPaddingIsZero) {
  const DenseLayout layout(kShape);
  std::vector<double> values(static_cast<std::size_t>(layout.size()), 99.0);
  initialise_dense(kShape, layout, std::span(values));
  const auto value = [&](std::int64_t begin, std::int64_t row, std::int64_t column) {
    return values[static_cast<std::size_t>(begin + row * layout.width() + column)];
  };
  for (const TensorInfo& a : layout.tensors()) {
    for (const TensorInfo& b : layout.tensors()) {
      if (a.begin == b.begin) continue;
      EXPECT_NE(value(a.begin, 0, 7), value(b.begin, 0, 7)) << a.name << " and " << b.name;
    }
    const std::int64_t stored_rows = a.rows == 1 ? 1 : layout.width();
    for (std::int64_t r = 0; r < stored_rows; ++r)
      for (std::int64_t c = 0; c < layout.width(); ++c)
        ASSERT_EQ(value(a.begin, r, c) == 0.0, r >= a.rows || c >= a.columns)
            << a.name << " row " << r << " column " << c;
  }
}

}  // namespace
}  // namespace siren
