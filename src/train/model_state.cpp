// SPDX-License-Identifier: Apache-2.0
#include "train/model_state.hpp"

#include <fmt/format.h>

#include "train/average.hpp"

namespace siren::inline train {

ModelShape shape_of(const TrainConfig& config, std::int64_t nodes) {
  return {.nodes = nodes,
          .dimension = config.dimension,
          .mlp_layers = config.mlp_layers,
          .disliked_branch = model_spec(config).disliked_branch,
          .attention = !config.no_attention,
          .dropout = config.dropout,
          .seed = config.seed};
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
