// SPDX-License-Identifier: Apache-2.0
#include "siren/model/dense_tensors.hpp"

#include <utility>

#include <fmt/format.h>

namespace siren {

DenseLayout::DenseLayout(const ModelShape& shape)
    : dimension_(shape.dimension),
      mlp_layers_(shape.disliked_branch ? shape.mlp_layers : 0),
      attention_(shape.disliked_branch && shape.attention) {
  for (int layer = 0; layer < mlp_layers_; ++layer) {
    add(fmt::format("mlp.{}.weight", layer), dimension_);
    add(fmt::format("mlp.{}.bias", layer), 1);
  }
  if (!attention_) return;
  add("attention.weight", dimension_);
  add("attention.bias", 1);
  add("attention.query", 1);
}

void DenseLayout::add(std::string name, std::int64_t rows) {
  // square tensors take width() rows: the kernels multiply with whole padded blocks
  tensors_.push_back({std::move(name), rows, dimension_, size_});
  size_ += (rows == 1 ? 1 : width()) * width();
}

}  // namespace siren
