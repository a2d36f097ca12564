// SPDX-License-Identifier: Apache-2.0
#include "model/dense_tensors.hpp"

#include <utility>

#include <fmt/format.h>

namespace siren::inline model {

DenseLayout::DenseLayout(const ModelShape& shape)
    : dimension_(shape.dimension),
      mlp_layers_(shape.disliked_branch ? shape.mlp_layers : 0),
      attention_(shape.disliked_branch && shape.attention) {
  for (int layer = 0; layer < mlp_layers_; ++layer) {
    add_matrix(fmt::format("mlp.{}.weight", layer));
    add_vector(fmt::format("mlp.{}.bias", layer));
  }
  if (!attention_) return;
  add_matrix("attention.weight");
  add_vector("attention.bias");
  add_vector("attention.query");
}

DenseLayout::DenseLayout(std::string name, std::int64_t columns)
    : dimension_(columns), mlp_layers_(0), attention_(false) {
  if (columns > 0) add_vector(std::move(name));
}

void DenseLayout::add_matrix(std::string name) {
  tensors_.push_back({std::move(name), dimension_, dimension_, size_});
  size_ += width() * width();  // also the padding rows: the kernels multiply whole padded blocks
}

void DenseLayout::add_vector(std::string name) {
  tensors_.push_back({std::move(name), 1, dimension_, size_});
  size_ += width();
}

}  // namespace siren::inline model
