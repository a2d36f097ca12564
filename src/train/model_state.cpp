// SPDX-License-Identifier: Apache-2.0
#include "train/model_state.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "train/average.hpp"

namespace siren::inline train {

ModelShape shape_of(const TrainConfig& config, std::int64_t nodes) {
  constexpr double kSoftmaxDeviation = 0.05;
  return {.nodes = nodes,
          .dimension = config.dimension,
          .mlp_layers = config.mlp_layers,
          .disliked_branch = model_spec(config).disliked_branch,
          .attention = !config.no_attention,
          .dropout = config.dropout,
          .item_bias = model_spec(config).item_bias,
          .cosine = config.loss == LossKind::kSoftmax && config.similarity == Similarity::kCosine,
          .deviation = config.loss == LossKind::kSoftmax ? kSoftmaxDeviation : 0.0,
          .seed = config.seed};
}

Trainable trainable_of(const TrainConfig& config) {
  const ModelSpec spec = model_spec(config);
  if (spec.polarity > 0 && config.loss == LossKind::kSoftmax) return Trainable::kAll;
  return spec.disliked_branch ? Trainable::kLikedAndDisliked : Trainable::kLikedOnly;
}

FinalColumns final_columns(const TrainConfig& config) {
  const ModelSpec spec = model_spec(config);
  return {spec.item_bias ? 1 : 0, spec.polarity > 0 ? spec.polarity + 2 : 0};
}

std::int64_t final_width(const TrainConfig& config) {
  const FinalColumns columns = final_columns(config);
  return config.dimension + columns.bias + columns.polarity;
}

NodeTables final_tables(const Layout& layout, const TrainConfig& config) {
  NodeTables tables{Matrix<float>(layout.users(), final_width(config)),
                    Matrix<float>(layout.items(), final_width(config)), final_columns(config)};
  if (tables.columns.bias > 0)
    for (std::int64_t u = 0; u < tables.users.rows(); ++u) tables.users(u, config.dimension) = 1.0F;
  return tables;
}

template <class Real>
void put_embedding(const TrainConfig& config, std::int64_t row, std::span<const Real> z,
                   NodeTables& to) {
  const std::int64_t users = to.users.rows();
  const bool scaled = row < users && to.columns != FinalColumns{};
  const double scale = scaled ? 1.0 / config.temperature : 1.0;
  float* const out = row < users ? to.users.row(row) : to.items.row(row - users);
  std::ranges::transform(
      z, out, [&](Real value) { return static_cast<float>(scale * static_cast<double>(value)); });
}

template <class Real>
void put_item_bias(const Matrix<Real>& bias, NodeTables& to) {
  const std::int64_t column = to.items.columns() - to.columns.polarity - 1;
  for (std::int64_t i = 0; i < to.items.rows(); ++i)
    to.items(i, column) = static_cast<float>(bias(to.users.rows() + i, 0));
}

template void put_embedding(const TrainConfig&, std::int64_t, std::span<const float>, NodeTables&);
template void put_embedding(const TrainConfig&, std::int64_t, std::span<const double>, NodeTables&);
template void put_item_bias(const Matrix<float>&, NodeTables&);
template void put_item_bias(const Matrix<double>&, NodeTables&);

void silence_cold_rows(const TrainConfig& config, const TrainingSet& set, const Layout& layout,
                       NodeTables& rows) {
  const bool cosine = shape_of(config, layout.all_nodes()).cosine;
  if (config.model != ModelKind::kFactored && !cosine) return;
  const bool others = config.dislike_weight > 0.0 || config.dislike_edge_weight > 0.0 ||
                      model_spec(config).disliked_branch;
  const std::int64_t last = rows.users.columns() - rows.columns.polarity;  // of z
  const auto silence = [&](float* row, std::int64_t likes, std::int64_t ratings) {
    if (likes == 0 && (ratings == 0 || !others)) std::fill_n(row, config.dimension, 0.0F);
    if (ratings == 0 && rows.columns.polarity > 0)
      std::fill_n(row + last, rows.columns.polarity - 2, 0.0F);
  };
  for (std::int64_t u = 0; u < layout.users(); ++u) {
    const auto first = set.ratings.signs.begin() + set.ratings.offsets[as_index(u)];
    const std::int64_t ratings = set.ratings.count(u);
    silence(rows.users.row(u),
            std::count_if(first, first + ratings, [](std::int8_t sign) { return sign > 0; }),
            ratings);
  }
  for (std::int64_t i = 0; i < layout.items(); ++i) {
    const std::size_t item = as_index(layout.owned_items()[as_index(i)]);
    silence(rows.items.row(i), set.item_likes[item], set.item_degree[item]);
  }
}

std::vector<NodeId> owned_nodes(const Layout& layout) {
  std::vector<NodeId> nodes;
  for (std::int64_t row = 0; row < layout.rows(); ++row)
    nodes.push_back(layout.node_of(static_cast<LocalRow>(row)));
  return nodes;
}

const char* evaluated_group(const TrainConfig& config, std::int64_t step) {
  return average_has_values(config.average, step) ? "average" : "parameters";
}

template <class Real>
void append_tensors(const std::string& group, const ParameterLayout& layout,
                    ParameterSet<Real>& values, std::vector<StateTensor>& tensors) {
  for (std::size_t t = 0; t < layout.tables.size(); ++t) {
    Matrix<Real>& table = values.tables[t];
    tensors.push_back({fmt::format("{}/{}", group, layout.tables[t].name), true, table.rows(),
                       table.columns(), table.stride(), sizeof(Real), table.data()});
  }
  for (const TensorInfo& info : layout.dense.tensors())
    tensors.push_back({fmt::format("{}/{}", group, info.name), false, info.rows, info.columns,
                       padded(info.columns), sizeof(Real), values.dense.data() + info.begin});
}

template void append_tensors(const std::string&, const ParameterLayout&, ParameterSet<float>&,
                             std::vector<StateTensor>&);
template void append_tensors(const std::string&, const ParameterLayout&, ParameterSet<double>&,
                             std::vector<StateTensor>&);

}  // namespace siren::inline train
