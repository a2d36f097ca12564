// SPDX-License-Identifier: Apache-2.0
// How a configuration describes a model, and the names of its tensors in a checkpoint.
#pragma once

#include <string>
#include <vector>

#include "distributed/layout.hpp"
#include "model/siren.hpp"
#include "siren/config.hpp"
#include "train/state_tensor.hpp"

namespace siren::inline train {

ModelShape shape_of(const TrainConfig& config, std::int64_t nodes);

/// Global ids of the owned rows.
std::vector<NodeId> owned_nodes(const Layout& layout);

/// The group of tensors by which the model of a checkpoint behind `step` is evaluated: the running mean
/// of the parameters if there is one, else the parameters.
const char* evaluated_group(const TrainConfig& config, std::int64_t step);

/// Adds `values` (parameters or what has their shape) as GROUP/liked, GROUP/mlp.0.weight, ... in a
/// fixed order.
template <class Real>
void append_tensors(const std::string& group, const ParameterLayout& layout,
                    ParameterSet<Real>& values, std::vector<StateTensor>& tensors);

}  // namespace siren::inline train
