// SPDX-License-Identifier: Apache-2.0
// The forward of distributed/propagation.hpp with sums that do not depend on their order: the same bits on
// any number of ranks, for any partition and any threads. For evaluating and using a model, where
// bytes of the output must not tell who computed them; training, which needs speed and an adjoint,
// keeps Propagation. The two agree to rounding.
//
// Before each layer the rows are turned into 64-bit integers, multiples of one power of two that
// all ranks agree on: so small that a row keeps all bits a float has unless it is 2^20 and more
// times below the largest, so large that no sum overflows. Integers may be added in any order. What
// light edges read, kappa x, is rounded to an integer once for each row, before any sum.
//
// Columns are independent, so the tables hold 16 of them at a time: memory beyond x and mean is
// 2 x 128 bytes (3 x with light edges) an owned or halo row and 64 an owned one, for any d.
#pragma once

#include <cstdint>
#include <vector>

#include "distributed/adjacency.hpp"
#include "distributed/propagation.hpp"
#include "distributed/row_exchange.hpp"
#include "math/matrix.hpp"
#include "siren/communicator.hpp"

namespace siren::inline distributed {

/// Goes up with every change of the arithmetic that changes bits: rows that were kept belong to one.
inline constexpr int kExactSums = 2;

class ExactPropagation {
 public:
  struct Shape {
    int layers;  // L >= 0
    Normalisation normalisation;
    bool bf16_tables = false;  // a layer's input is rounded to bf16, as in training with that
    std::vector<double> weights = {};  // gamma_0 .. gamma_L; none: the mean
  };

  /// Collective. `graph` is borrowed.
  ExactPropagation(const Communicator& comm, const Adjacency& graph, const Shape& shape);

  /// mean [rows x d] from x [rows x d]. Collective. InputError if values are not finite.
  void forward(const Matrix<float>& x, Matrix<float>& mean);

  std::int64_t bytes() const;

 private:
  void forward_columns(const Matrix<float>& x, std::int64_t first, Matrix<float>& mean);
  void layer();
  double agree_on_unit();
  void fill_light_rows(std::int64_t begin, std::int64_t end);
  void sum_rows(const Csr& csr, std::int64_t first_row);

  Communicator comm_;
  const Adjacency& graph_;
  Shape shape_;
  double most_weight_;  // the largest degree, over all ranks
  LayerScaling<float> scaling_;
  Kernels<FixedPoint> kernels_;
  PhaseClock clock_;
  ExchangePlan plan_;
  RowExchange<FixedPoint> exchange_;
  Matrix<float> input_;               // [rows x 16] a layer's input, scaled by pre
  Matrix<std::int64_t> table_;        // [rows + halo x 16] the same as integers
  Matrix<std::int64_t> light_table_;  // [rows + halo x 16] kappa table_; none without light edges
  Matrix<std::int64_t> sums_;         // [rows + halo x 16]
};

}  // namespace siren::inline distributed
