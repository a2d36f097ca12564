// SPDX-License-Identifier: Apache-2.0
// How a configuration describes a model, and the names of its tensors in a checkpoint.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "data/training_set.hpp"
#include "distributed/layout.hpp"
#include "model/embeddings.hpp"
#include "model/siren.hpp"
#include "siren/config.hpp"
#include "train/state_tensor.hpp"

namespace siren::inline train {

ModelShape shape_of(const TrainConfig& config, std::int64_t nodes);

/// Which ratings have ids: those that batches of ratings are made of.
Trainable trainable_of(const TrainConfig& config);

/// The last columns of the final rows of a model.
FinalColumns final_columns(const TrainConfig& config);
/// All their columns.
std::int64_t final_width(const TrainConfig& config);
/// Final rows of zeros, but for the users' bias column.
NodeTables final_tables(const Layout& layout, const TrainConfig& config);
/// Puts a row of Z, divided by the temperature in users' rows that have a bias or polarity beside
/// it: then scores are log-probabilities up to a constant per user.
template <class Real>
void put_embedding(const TrainConfig& config, std::int64_t row, std::span<const Real> z,
                   NodeTables& to);
/// Puts the biases [rows x 1] of items.
template <class Real>
void put_item_bias(const Matrix<Real>& bias, NodeTables& to);

/// Of a factored model, and where scores are cosines: rows that nothing has trained lose their
/// initial values, which would only be noise in scores. The embedding of rows without an edge of the
/// graph and without a weight in the loss, and Q of rows without a train rating, become zero; biases
/// stay.
void silence_cold_rows(const TrainConfig& config, const TrainingSet& set, const Layout& layout,
                       NodeTables& rows);

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
