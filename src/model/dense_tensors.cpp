// SPDX-License-Identifier: Apache-2.0
#include "model/dense_tensors.hpp"

#include <utility>

#include <fmt/format.h>

namespace siren::inline model {

DenseLayout::DenseLayout(const ModelShape& shape)
    : dimension_(shape.dimension),
      mlp_layers_(shape.disliked_branch ? shape.mlp_layers : 0),
      attention_(shape.disliked_branch && shape.attention) {
  add_layers("");
  if (!attention_) return;
  add_matrix("attention.weight");
  add_vector("attention.bias", dimension_);
  add_vector("attention.query", dimension_);
}

DenseLayout::DenseLayout(const std::string& name, std::int64_t cuts, std::int64_t dimension,
                         int mlp_layers)
    : dimension_(dimension), mlp_layers_(mlp_layers), attention_(false) {
  add_vector(name + ".theta", cuts);
  first_layer_ = tensors_.size();
  add_layers(name + ".");
}

void DenseLayout::add_layers(const std::string& prefix) {
  for (int layer = 0; layer < mlp_layers_; ++layer) {
    add_matrix(fmt::format("{}mlp.{}.weight", prefix, layer));
    add_vector(fmt::format("{}mlp.{}.bias", prefix, layer), dimension_);
  }
}

void DenseLayout::add_matrix(std::string name) {
  tensors_.push_back({std::move(name), dimension_, dimension_, size_});
  size_ += width() * width();  // also the padding rows: the kernels multiply whole padded blocks
}

void DenseLayout::add_vector(std::string name, std::int64_t columns) {
  tensors_.push_back({std::move(name), 1, columns, size_});
  size_ += padded(columns);
}

}  // namespace siren::inline model
