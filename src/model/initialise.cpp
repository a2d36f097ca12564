// SPDX-License-Identifier: Apache-2.0
#include "model/initialise.hpp"

#include <algorithm>
#include <cmath>

#include "math/parallel.hpp"

namespace siren::inline model {

namespace {

// tensor numbers in the counters of kInitWeight and kInitBias (core/rng.hpp): layer l of the MLP is
// l, that of the polarity branch kPolarityTensor + l
constexpr std::uint32_t kAttentionTensor = 100;
constexpr std::uint32_t kQueryTensor = 101;
constexpr std::uint32_t kPolarityTensor = 200;
constexpr std::int64_t kRowsPerBlock = 1024;

/// One row of d normals; counter word 2 is the block of four columns.
template <class Real>
void normal_row(std::uint32_t seed, Purpose purpose, RandomBlock counter, double deviation,
                std::span<Real> row) {
  for (std::size_t c = 0; c < row.size(); c += 4) {
    counter[2] = static_cast<std::uint32_t>(c / 4);
    const std::array<double, 4> z = normal4(random_block(seed, purpose, counter));
    for (std::size_t i = 0; i < 4 && c + i < row.size(); ++i)
      row[c + i] = static_cast<Real>(deviation * z[i]);
  }
}

/// W, the first row of which is that of `rows`.
template <class Real>
void normal_matrix(std::uint32_t seed, std::uint32_t tensor, const DenseLayout& layout,
                   std::span<Real> rows) {
  const double deviation = std::sqrt(1.0 / static_cast<double>(layout.dimension()));
  for (std::int64_t r = 0; r < layout.dimension(); ++r)
    normal_row(seed, Purpose::kInitWeight, {static_cast<std::uint32_t>(r), tensor, 0, 0}, deviation,
               rows.subspan(static_cast<std::size_t>(r * layout.width()),
                            static_cast<std::size_t>(layout.dimension())));
}

template <class Real>
void uniform_row(std::uint32_t seed, std::uint32_t tensor, std::span<Real> row) {
  const double bound = 1.0 / std::sqrt(static_cast<double>(row.size()));
  for (std::size_t c = 0; c < row.size(); ++c) {
    const RandomBlock bits =
        random_block(seed, Purpose::kInitBias, {static_cast<std::uint32_t>(c / 4), tensor, 0, 0});
    row[c] = static_cast<Real>((2.0 * open_unit(bits[c % 4]) - 1.0) * bound);
  }
}

}  // namespace

template <class Real>
void initialise_table(const ModelShape& shape, Purpose purpose, std::span<const NodeId> nodes,
                      Matrix<Real>& table) {
  const double deviation =
      shape.deviation > 0.0 ? shape.deviation
                            : std::sqrt(2.0 / static_cast<double>(shape.nodes + shape.dimension));
  initialise_rows(shape.seed, purpose, deviation, nodes, table.columns(), table);
}

template <class Real>
void initialise_rows(std::uint32_t seed, Purpose purpose, double deviation,
                     std::span<const NodeId> nodes, std::int64_t columns, Matrix<Real>& table) {
  parallel_blocks(table.rows(), kRowsPerBlock, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; ++r) {
      const NodeId node = nodes[static_cast<std::size_t>(r)];
      normal_row(seed, purpose, {low_word(node), high_word(node), 0, 0}, deviation,
                 std::span(table.row(r), static_cast<std::size_t>(columns)));
    }
  });
}

template <class Real>
void initialise_dense(const ModelShape& shape, const DenseLayout& layout, std::span<Real> values) {
  std::fill(values.begin(), values.end(), Real{0});
  const auto d = static_cast<std::size_t>(shape.dimension);
  const auto weight = [&](std::int64_t begin, std::uint32_t tensor) {
    normal_matrix(shape.seed, tensor, layout, values.subspan(static_cast<std::size_t>(begin)));
  };
  const auto bias = [&](std::int64_t begin, std::uint32_t tensor) {
    uniform_row(shape.seed, tensor, values.subspan(static_cast<std::size_t>(begin), d));
  };
  for (int layer = 0; layer < layout.mlp_layers(); ++layer) {
    weight(layout.weight(layer), static_cast<std::uint32_t>(layer));
    bias(layout.bias(layer), static_cast<std::uint32_t>(layer));
  }
  if (!layout.has_attention()) return;
  weight(layout.attention_weight(), kAttentionTensor);
  bias(layout.attention_bias(), kAttentionTensor);
  bias(layout.query(), kQueryTensor);
}

template <class Real>
void initialise_polarity_layers(std::uint32_t seed, const DenseLayout& layout,
                                std::span<Real> values) {
  for (int layer = 0; layer < layout.mlp_layers(); ++layer)
    normal_matrix(seed, kPolarityTensor + static_cast<std::uint32_t>(layer), layout,
                  values.subspan(static_cast<std::size_t>(layout.weight(layer))));
}

template void initialise_polarity_layers(std::uint32_t, const DenseLayout&, std::span<float>);
template void initialise_polarity_layers(std::uint32_t, const DenseLayout&, std::span<double>);
template void initialise_rows(std::uint32_t, Purpose, double, std::span<const NodeId>, std::int64_t,
                              Matrix<float>&);
template void initialise_rows(std::uint32_t, Purpose, double, std::span<const NodeId>, std::int64_t,
                              Matrix<double>&);
template void initialise_table(const ModelShape&, Purpose, std::span<const NodeId>, Matrix<float>&);
template void initialise_table(const ModelShape&, Purpose, std::span<const NodeId>,
                               Matrix<double>&);
template void initialise_dense(const ModelShape&, const DenseLayout&, std::span<float>);
template void initialise_dense(const ModelShape&, const DenseLayout&, std::span<double>);

}  // namespace siren::inline model
