// SPDX-License-Identifier: Apache-2.0
#include "train/model_state.hpp"

#include <fmt/format.h>

#include "train/average.hpp"

namespace siren::inline train {

ModelShape shape_of(const TrainConfig& config, std::int64_t nodes) {
  return {.nodes = nodes,
          .dimension = config.dimension,
          .mlp_layers = config.mlp_layers,
          .disliked_branch = config.model == "siren",
          .attention = !config.no_attention,
          .dropout = config.dropout,
          .seed = config.seed};
}

int layers_of(const TrainConfig& config) {
  return config.model == "mf" ? 0 : config.layers;
}

std::vector<NodeId> owned_nodes(const Layout& layout) {
  std::vector<NodeId> nodes;
  for (std::int64_t row = 0; row < layout.rows(); ++row)
    nodes.push_back(layout.node_of(static_cast<LocalRow>(row)));
  return nodes;
}

const char* judged_group(const TrainConfig& config, std::int64_t step) {
  return average_has_values(config.average, step) ? "average" : "parameters";
}

template <class Real>
void append_tensors(const std::string& group, const ModelShape& shape, Parameters<Real>& values,
                    std::vector<StateTensor>& tensors) {
  const auto table = [&](const std::string& name, Matrix<Real>& matrix) {
    tensors.push_back({fmt::format("{}/{}", group, name), true, matrix.rows(), matrix.columns(),
                       matrix.stride(), sizeof(Real), matrix.data()});
  };
  table("liked", values.liked);
  if (!shape.disliked_branch) return;
  table("disliked", values.disliked);
  const DenseLayout layout(shape);
  for (const TensorInfo& info : layout.tensors())
    tensors.push_back({fmt::format("{}/{}", group, info.name), false, info.rows, info.columns,
                       padded(info.columns), sizeof(Real), values.dense.data() + info.begin});
}

template void append_tensors(const std::string&, const ModelShape&, Parameters<float>&,
                             std::vector<StateTensor>&);
template void append_tensors(const std::string&, const ModelShape&, Parameters<double>&,
                             std::vector<StateTensor>&);

}  // namespace siren::inline train
