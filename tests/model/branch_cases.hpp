// SPDX-License-Identifier: Apache-2.0
// What the tests of the model's row-wise parts share.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "model/initialise.hpp"
#include "model/mlp.hpp"
#include "model/shape.hpp"

namespace siren::test {

/// A model and how it is run, by name.
struct Variant {
  std::string name;
  int mlp_layers = 2;
  bool attention = true;
  bool training = true;
  double dropout = 0.5;
  LastLayer last = LastLayer::kRelu;
};

inline std::ostream& operator<<(std::ostream& out, const Variant& variant) {
  return out << variant.name;
}

inline constexpr std::int64_t kTableRows = 12;
inline constexpr std::int64_t kDimension = 20;  // padded to 32

inline ModelShape shape_of(const Variant& variant) {
  return {.nodes = 100,
          .dimension = kDimension,
          .mlp_layers = variant.mlp_layers,
          .attention = variant.attention,
          .dropout = variant.dropout,
          .seed = 6};
}

/// Some rows of the tables, named by global nodes of no particular order of size.
inline RowSet some_rows() {
  return {{0, 2, 3, 5, 6, 9, 11}, {70, 3, 55, 20, 21, 99, 4}};
}

/// Values of order one with padding zero.
inline Matrix<double> random_table(std::int64_t rows, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> any(-1.0, 1.0);
  Matrix<double> table(rows, kDimension);
  for (std::int64_t r = 0; r < rows; ++r)
    for (std::int64_t c = 0; c < kDimension; ++c) table(r, c) = any(random);
  return table;
}

/// Initial tensors, enlarged so that every activation and score is of order one.
inline std::vector<double> random_dense(const ModelShape& shape) {
  const DenseLayout layout(shape);
  std::vector<double> values(static_cast<std::size_t>(layout.size()));
  initialise_dense(shape, layout, std::span(values));
  for (double& value : values) value *= 2.0;
  return values;
}

inline double product(const Matrix<double>& a, const Matrix<double>& b) {
  double sum = 0.0;
  for (std::int64_t r = 0; r < a.rows(); ++r)
    for (std::int64_t c = 0; c < a.columns(); ++c) sum += a(r, c) * b(r, c);
  return sum;
}

inline Matrix<double> copy_of(const Matrix<double>& from) {
  Matrix<double> to(from.rows(), from.columns());
  std::copy_n(from.data(), from.rows() * from.stride(), to.data());
  return to;
}

/// visit(name, index) for every stored value of every tensor that is not padding.
template <class Visit>
void each_dense_value(const DenseLayout& layout, const Visit& visit) {
  for (const TensorInfo& tensor : layout.tensors())
    for (std::int64_t r = 0; r < tensor.rows; ++r)
      for (std::int64_t c = 0; c < tensor.columns; ++c)
        visit(tensor.name, static_cast<std::size_t>(tensor.begin + r * layout.width() + c));
}

}  // namespace siren::test
