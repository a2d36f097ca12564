// SPDX-License-Identifier: Apache-2.0
#include "distributed/exact_propagation.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "math/bfloat16.hpp"
#include "math/parallel.hpp"
#include "siren/error.hpp"
#include "siren/ids.hpp"

namespace siren::inline distributed {

namespace {

constexpr std::int64_t kColumns = kRowPadding;  // computed at a time
constexpr std::int64_t kRowsPerBlock = 256;
constexpr std::int64_t kEdgesPerTile = 4096;
constexpr int kSumBits = 62;  // of the largest sum there could be

void add_rows(const std::int64_t* incoming, const std::int32_t* rows, std::int64_t width,
              std::int64_t begin, std::int64_t end, std::int64_t* sums) {
  for (std::int64_t i = begin; i < end; ++i)
    for (std::int64_t c = 0; c < width; ++c) sums[rows[i] * width + c] += incoming[i * width + c];
}

Kernels<FixedPoint> integer_kernels() {
  Kernels<FixedPoint> kernels{};
  kernels.add_rows = add_rows;
  return kernels;
}

}  // namespace

ExactPropagation::ExactPropagation(const Communicator& comm, const Adjacency& graph,
                                   const Shape& shape)
    : comm_(comm),
      graph_(graph),
      shape_(shape),
      scaling_(layer_scaling<float>(graph.degree, shape.normalisation,
                                    layer_weights(shape.weights, shape.layers),
                                    Direction::kForward)),
      kernels_(integer_kernels()),
      plan_(make_exchange_plan(comm, graph.halo_row_at_owner, graph.halo_counts)),
      exchange_(comm, kernels_, clock_, Tag::kExpand, Tag::kFold),
      input_(graph.rows, kColumns),
      table_(graph.rows + graph.halo_rows, kColumns),
      light_table_(graph.has_light_edges() ? table_.rows() : 0, kColumns),
      sums_(graph.rows + graph.halo_rows, kColumns) {
  double most = 1.0;
  for (const double degree : graph.degree) most = std::max(most, degree);
  most_weight_ = comm.all_reduce(most, Reduction::kMax);
  exchange_.set_plan(&plan_, kColumns);
}

void ExactPropagation::forward(const Matrix<float>& x, Matrix<float>& mean) {
  SIREN_ASSERT(x.rows() == graph_.rows && mean.rows() == x.rows() && mean.stride() == x.stride(),
               "{} x {} to {} x {}, {} rows", x.rows(), x.columns(), mean.rows(), mean.columns(),
               graph_.rows);
  for (std::int64_t first = 0; first < x.stride(); first += kColumns)
    forward_columns(x, first, mean);
}

void ExactPropagation::forward_columns(const Matrix<float>& x, std::int64_t first,
                                       Matrix<float>& mean) {
  const float gamma = scaling_.gamma[0];
  parallel_blocks(graph_.rows, kRowsPerBlock, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row)
      for (std::int64_t c = 0; c < kColumns; ++c) {
        input_(row, c) = scaling_.plain[as_index(row)] * x.row(row)[first + c];
        mean.row(row)[first + c] = gamma * x.row(row)[first + c];
      }
  });
  for (int k = 1; k <= shape_.layers; ++k) {
    const double unit = agree_on_unit();
    parallel_blocks(graph_.rows, kRowsPerBlock, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t row = begin; row < end; ++row)
        for (std::int64_t c = 0; c < kColumns; ++c)
          table_(row, c) = std::llrint(static_cast<double>(input_(row, c)) / unit);
    });
    layer();
    const float* const weighted = scaling_.weighted_by(k);
    parallel_blocks(graph_.rows, kRowsPerBlock, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t row = begin; row < end; ++row)
        for (std::int64_t c = 0; c < kColumns; ++c) {
          const auto sum = static_cast<float>(static_cast<double>(sums_(row, c)) * unit);
          input_(row, c) = scaling_.next[as_index(row)] * sum;
          mean.row(row)[first + c] += weighted[row] * sum;
        }
    });
  }
}

/// The power of two that a layer's input is counted in: a row's edges add up to less than
/// 2^kSumBits, and rounding adds at most one for each of them, for which there is a bit more. Rounds
/// the input to bf16 if asked to.
double ExactPropagation::agree_on_unit() {
  float largest = 0.0F;
  for (float& value : input_.span()) {
    if (shape_.bf16_tables) value = static_cast<float>(Bfloat16(value));
    const float size = std::abs(value);
    largest = size <= std::numeric_limits<float>::max() ? std::max(largest, size)
                                                        : std::numeric_limits<float>::infinity();
  }
  const double bound =
      most_weight_ * comm_.all_reduce(static_cast<double>(largest), Reduction::kMax);
  if (!std::isfinite(bound))
    throw InputError("the model holds values that are not finite; use another checkpoint");
  int exponent = 0;
  std::frexp(bound, &exponent);  // bound < 2^exponent
  return std::ldexp(1.0, exponent - kSumBits);
}

/// The order of Propagation: what travels far leaves first.
void ExactPropagation::layer() {
  exchange_.start_expand(table_.row(0), table_.row(graph_.rows));
  fill_light_rows(0, graph_.rows);
  sum_rows(graph_.by_halo, graph_.rows);
  exchange_.start_fold(sums_.row(graph_.rows));
  const bool reads_halo = graph_.both_travel;
  if (!reads_halo) sum_rows(graph_.by_traveller, graph_.travelling.begin);
  exchange_.finish_expand();
  fill_light_rows(graph_.rows, table_.rows());
  if (reads_halo) sum_rows(graph_.by_traveller, graph_.travelling.begin);
  sum_rows(graph_.by_anchor, graph_.anchored.begin);
  exchange_.finish_fold(sums_.row(0));
}

/// Rows [begin, end) of light_table_ from those of table_, if light edges read them.
void ExactPropagation::fill_light_rows(std::int64_t begin, std::int64_t end) {
  if (light_table_.rows() == 0) return;
  const double weight = graph_.by_anchor.light_weight;
  parallel_blocks(end - begin, kRowsPerBlock, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t row = begin + first; row < begin + last; ++row)
      for (std::int64_t c = 0; c < kColumns; ++c)
        light_table_(row, c) = std::llrint(weight * static_cast<double>(table_(row, c)));
  });
}

/// Rows first_row .. of sums_ from the columns of `csr`.
void ExactPropagation::sum_rows(const Csr& csr, std::int64_t first_row) {
  const std::vector<std::int64_t> tiles = balanced_tiles(csr.offsets, kEdgesPerTile);
  parallel_tiles(
      std::ssize(tiles) - 1,
      [&](std::int64_t tile) {
        for (std::int64_t row = tiles[as_index(tile)]; row < tiles[as_index(tile) + 1]; ++row) {
          std::int64_t sum[kColumns] = {};
          const auto add = [&](const Matrix<std::int64_t>& table, EdgeOffset begin,
                               EdgeOffset end) {
            for (EdgeOffset e = begin; e < end; ++e) {
              const std::int64_t* from = table.row(csr.columns[as_index(e)]);
              for (std::int64_t c = 0; c < kColumns; ++c) sum[c] += from[c];
            }
          };
          const EdgeOffset begin = csr.offsets[as_index(row)];
          const EdgeOffset split = csr.split.empty() ? begin : csr.split[as_index(row)];
          add(light_table_, begin, split);
          add(table_, split, csr.offsets[as_index(row) + 1]);
          std::copy_n(sum, kColumns, sums_.row(first_row + row));
        }
      },
      [this] { exchange_.progress(); });
}

std::int64_t ExactPropagation::bytes() const {
  return input_.bytes() + table_.bytes() + light_table_.bytes() + sums_.bytes();
}

}  // namespace siren::inline distributed
