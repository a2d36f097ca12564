// SPDX-License-Identifier: Apache-2.0
#include "train/scoring_model.hpp"

#include <algorithm>
#include <cmath>

#include "model/polarity.hpp"
#include "siren/error.hpp"
#include "siren/ids.hpp"
#include "train/model_state.hpp"
#include "train/polarity_trainer.hpp"

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
    : comm_(inputs.comm),
      layout_(inputs.layout),
      set_(inputs.set),
      config_(config),
      model_(shape_of(config, layout_.all_nodes()), layout_.rows(), kernels<Fp32>(isa)),
      propagation_(inputs.comm, inputs.graph,
                   {model_spec(config).layers, config.norm, config.storage == Storage::kBf16,
                    config.layer_weights}),
      zp_(layout_.rows(), config.dimension) {
  if (!trains_polarity(config, inputs.set)) return;
  polarity_layout_ =
      polarity_layout(config.polarity_dimension, inputs.set.cuts.count(), config.polarity_layers);
  polarity_.emplace(*polarity_layout_, layout_.rows());
  polarity_mlp_.emplace(polarity_mlp(*polarity_layout_, kernels<Fp32>(isa)));
  offset_cut_ = inputs.set.cuts.offset;
}

std::vector<StateTensor> ScoringModel::parameters(const std::string& group) {
  std::vector<StateTensor> tensors;
  append_tensors(group, model_.layout(), model_.parameters(), tensors);
  if (polarity_) append_tensors("parameters", *polarity_layout_, *polarity_, tensors);
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
  made.z = final_tables(layout_, config_);
  if (all) made.zp = tables();
  if (all) put_rows(zp_, 0, made.zp);
  if (disliked) made.zn = tables();
  model_.embed_all(zp_, owned_nodes(layout_),
                   [&](std::int64_t first, const Matrix<float>& z, const Matrix<float>& zn) {
                     for (std::int64_t i = 0; i < z.rows(); ++i)
                       put_embedding(config_, first + i, z.row_values(i), made.z);
                     if (disliked) put_rows(zn, first, made.zn);
                   });
  if (model_.has_item_bias()) put_item_bias(model_.item_bias(), made.z);
  if (polarity_) {
    const std::vector<double> theta = thetas(std::span<const float>(
        polarity_->dense.data(), as_index(polarity_layout_->dense.tensors()[0].columns)));
    put_polarity(*polarity_, theta[as_index(offset_cut_)], *polarity_mlp_, made.z);
  }
  silence_cold_rows(config_, set_, layout_, made.z);
  agree_on_input(comm_, [&] {
    for (const Matrix<float>* table : {&made.z.users, &made.z.items})
      if (!std::ranges::all_of(table->span(), [](float x) { return std::isfinite(x); }))
        throw InputError("the model holds values that are not finite; use another checkpoint");
  });
  return made;
}

std::int64_t ScoringModel::bytes() const {
  return (polarity_ ? ParameterSet<float>::bytes(*polarity_layout_, zp_.rows()) : 0) +
         ParameterSet<float>::bytes(model_.layout(), zp_.rows()) + zp_.bytes() +
         propagation_.bytes();
}

}  // namespace siren::inline train
