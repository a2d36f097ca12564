// SPDX-License-Identifier: Apache-2.0
#include "train/scoring_model.hpp"

#include <algorithm>

#include "train/model_state.hpp"

namespace siren::inline train {

namespace {

/// Copies row i of `from` to owned row first + i.
void put_rows(const Matrix<float>& from, std::int64_t first, NodeTables& to) {
  for (std::int64_t i = 0; i < from.rows(); ++i) {
    const std::int64_t row = first + i;
    const std::int64_t users = to.users.rows();
    std::copy_n(from.row(i), from.stride(),
                row < users ? to.users.row(row) : to.items.row(row - users));
  }
}

}  // namespace

ScoringModel::ScoringModel(const TrainingInputs& inputs, const TrainConfig& config, Isa isa)
    : layout_(inputs.layout),
      model_(shape_of(config, layout_.all_nodes()), layout_.rows(), kernels<Fp32>(isa)),
      propagation_(inputs.comm, inputs.graph,
                   {model_spec(config).layers, config.norm, config.storage == Storage::kBf16}),
      zp_(layout_.rows(), config.dimension) {}

std::vector<StateTensor> ScoringModel::parameters(const std::string& group) {
  std::vector<StateTensor> tensors;
  append_tensors(group, model_.layout(), model_.parameters(), tensors);
  return tensors;
}

Embeddings ScoringModel::embed(Branches branches) {
  const auto tables = [&] {
    return NodeTables{Matrix<float>(layout_.users(), zp_.columns()),
                      Matrix<float>(layout_.items(), zp_.columns())};
  };
  const bool all = branches == Branches::kAll;
  const bool disliked = all && model_.shape().disliked_branch;
  propagation_.forward(model_.liked(), zp_);
  Embeddings made;
  made.z = tables();
  if (all) made.zp = tables();
  if (all) put_rows(zp_, 0, made.zp);
  if (disliked) made.zn = tables();
  model_.embed_all(zp_, owned_nodes(layout_),
                   [&](std::int64_t first, const Matrix<float>& z, const Matrix<float>& zn) {
                     put_rows(z, first, made.z);
                     if (disliked) put_rows(zn, first, made.zn);
                   });
  return made;
}

std::int64_t ScoringModel::bytes() const {
  return ParameterSet<float>::bytes(model_.layout(), zp_.rows()) + zp_.bytes() +
         propagation_.bytes();
}

}  // namespace siren::inline train
