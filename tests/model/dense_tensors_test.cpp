// SPDX-License-Identifier: Apache-2.0
#include "model/dense_tensors.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace siren {
namespace {

ModelShape shape_of(std::int64_t dimension, int mlp_layers, bool attention = true) {
  return {.nodes = 100, .dimension = dimension, .mlp_layers = mlp_layers, .attention = attention};
}

/// Values that kernels may write for a tensor: whole padded blocks for square ones.
std::int64_t extent(const DenseLayout& layout, const TensorInfo& tensor) {
  return (tensor.name.ends_with("weight") ? layout.width() : 1) * layout.width();
}

TEST(DenseLayout, TensorsFollowEachOtherWithoutOverlap) {
  for (const std::int64_t dimension : {1, 3, 16, 20, 64, 100})
    for (const int layers : {0, 1, 2, 5})
      for (const bool attention : {true, false}) {
        const DenseLayout layout(shape_of(dimension, layers, attention));
        EXPECT_EQ(layout.width(), padded(dimension));
        EXPECT_EQ(layout.mlp_layers(), layers);
        EXPECT_EQ(layout.has_attention(), attention);
        ASSERT_EQ(layout.tensors().size(),
                  static_cast<std::size_t>(2 * layers + (attention ? 3 : 0)));
        std::int64_t next = 0;
        for (const TensorInfo& tensor : layout.tensors()) {
          EXPECT_GE(tensor.begin, next)
              << tensor.name << " overlaps the one before, d = " << dimension;
          EXPECT_EQ(tensor.begin % kRowPadding, 0) << tensor.name;
          EXPECT_EQ(tensor.columns, dimension);
          EXPECT_EQ(tensor.rows, tensor.name.ends_with("weight") ? dimension : 1) << tensor.name;
          next = tensor.begin + extent(layout, tensor);
        }
        EXPECT_GE(layout.size(), next);
        EXPECT_EQ(layout.size() % kRowPadding, 0);
      }
}

TEST(DenseLayout, AccessorsNameTheTensors) {
  const DenseLayout layout(shape_of(20, 2));
  std::vector<std::string> names;
  std::vector<std::int64_t> begins;
  for (const TensorInfo& tensor : layout.tensors()) {
    names.push_back(tensor.name);
    begins.push_back(tensor.begin);
  }
  EXPECT_EQ(names,
            (std::vector<std::string>{"mlp.0.weight", "mlp.0.bias", "mlp.1.weight", "mlp.1.bias",
                                      "attention.weight", "attention.bias", "attention.query"}));
  EXPECT_EQ(begins, (std::vector<std::int64_t>{layout.weight(0), layout.bias(0), layout.weight(1),
                                               layout.bias(1), layout.attention_weight(),
                                               layout.attention_bias(), layout.query()}));
}

TEST(DenseLayout, ModelsWithoutADislikedBranchHaveNoTensors) {
  ModelShape shape = shape_of(20, 2);
  shape.disliked_branch = false;
  const DenseLayout layout(shape);
  EXPECT_EQ(layout.size(), 0);
  EXPECT_TRUE(layout.tensors().empty());
  EXPECT_FALSE(layout.has_attention());
  EXPECT_EQ(layout.mlp_layers(), 0);
}

TEST(DenseLayout, ThoseOfPolarityBeginWithTheta) {
  for (const int layers : {0, 1, 3}) {
    const DenseLayout layout("polarity", 20, 6, layers);  // padded to 32 and 16
    ASSERT_EQ(layout.tensors().size(), static_cast<std::size_t>(1 + 2 * layers));
    EXPECT_EQ(layout.tensors()[0].name, "polarity.theta");
    EXPECT_EQ(layout.tensors()[0].begin, 0);
    EXPECT_EQ(layout.tensors()[0].columns, 20);
    EXPECT_EQ(layout.mlp_layers(), layers);
    EXPECT_EQ(layout.size(), 32 + layers * (16 * 16 + 16));
    for (int l = 0; l < layers; ++l) {
      const TensorInfo& weight = layout.tensors()[static_cast<std::size_t>(1 + 2 * l)];
      const TensorInfo& bias = layout.tensors()[static_cast<std::size_t>(2 + 2 * l)];
      EXPECT_EQ(weight.name, "polarity.mlp." + std::to_string(l) + ".weight");
      EXPECT_EQ(weight.rows, 6);
      EXPECT_EQ(weight.columns, 6);
      EXPECT_EQ(weight.begin, layout.weight(l));
      EXPECT_EQ(weight.begin, 32 + l * (16 * 16 + 16));
      EXPECT_EQ(bias.name, "polarity.mlp." + std::to_string(l) + ".bias");
      EXPECT_EQ(bias.rows, 1);
      EXPECT_EQ(bias.columns, 6);
      EXPECT_EQ(bias.begin, layout.bias(l));
      EXPECT_EQ(bias.begin, weight.begin + 16 * 16);
    }
  }
}

TEST(Transpose, SwapsRowsAndColumns) {
  std::vector<float> in(16 * 16), out(in.size());
  for (std::size_t i = 0; i < in.size(); ++i) in[i] = static_cast<float>(i);
  transpose(in.data(), 16, out.data());
  for (std::size_t r = 0; r < 16; ++r)
    for (std::size_t c = 0; c < 16; ++c) EXPECT_EQ(out[c * 16 + r], in[r * 16 + c]);
}

}  // namespace
}  // namespace siren
