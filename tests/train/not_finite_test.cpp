// SPDX-License-Identifier: Apache-2.0
#include "train/not_finite.hpp"

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

namespace siren {
namespace {

constexpr ModelShape kShape{.nodes = 24, .dimension = 20};
const ParameterLayout kLayout = parameter_layout(kShape);
constexpr NotFinite::Moment kMoment{.step = 57, .epoch = 2};
constexpr NodeId kNeeded = 15;  // by its owner, among 1 to 4 ranks
constexpr double kInfinity = std::numeric_limits<double>::infinity();
const std::string kAdvice = "; a smaller --lr usually helps";

/// Every rank owns every P-th node; every second of them is needed.
class FiniteCheckTest : public testing::Test {
 protected:
  FiniteCheckTest() {
    for (NodeId node = comm_.rank(); node < kShape.nodes; node += comm_.size()) {
      nodes_.push_back(node);
      if (nodes_.size() % 2 == 0) z_nodes_.push_back(node);
    }
    const auto rows = static_cast<std::int64_t>(nodes_.size());
    for (ParameterSet<double>* values : {&parameters_, &moments_})
      *values = ParameterSet<double>(kLayout, rows);
    gradients_ = Gradients<double>(kLayout, rows);
    const auto needed = std::ssize(z_nodes_);
    for (Matrix<double>* compact : {&gradients_.tables[kDisliked], &z_})
      *compact = Matrix<double>(needed, kShape.dimension);
    zp_ = Matrix<double>(rows, kShape.dimension);  // more than are needed
  }

  StepValues<double> values() const {
    return {parameters_, gradients_, moments_, zp_, z_, z_nodes_};
  }
  /// Spoils the row of a node, on the rank that has it.
  void spoil(Matrix<double>& table, const std::vector<NodeId>& nodes, NodeId node) const {
    for (std::size_t r = 0; r < nodes.size(); ++r)
      if (nodes[r] == node) table(static_cast<std::int64_t>(r), 7) = kInfinity;
  }
  std::string sentence_of_loss() const {
    try {
      FiniteCheck<double>(comm_, nodes_, layout_).throw_loss(kMoment, values());
    } catch (const NotFinite& error) {
      return error.what();
    }
  }
  /// After the update, which only the ranks that have a bad value know of.
  std::string sentence_of_update(bool bad_here) const {
    FiniteCheck<double> check(comm_, nodes_, layout_);
    if (bad_here) check.note_update(kMoment, values());
    EXPECT_EQ(check.noted(), bad_here);
    try {
      check.throw_noted(values());
    } catch (const NotFinite& error) {
      return error.what();
    }
  }
  bool owns(NodeId node) const { return node % comm_.size() == comm_.rank(); }

  Communicator comm_ = Communicator::world();
  std::vector<NodeId> nodes_;
  std::vector<NodeId> z_nodes_;
  ParameterLayout layout_ = kLayout;
  ParameterSet<double> parameters_{kLayout, 0};
  Gradients<double> gradients_{kLayout, 0};
  ParameterSet<double> moments_{kLayout, 0};
  Matrix<double> zp_;
  Matrix<double> z_;
};

TEST_F(FiniteCheckTest, EveryRankNamesTheGradientAndTheNodeThatOneRankFound) {
  for (Matrix<double>* table :
       {&gradients_.tables[kLiked], &moments_.tables[kLiked], &parameters_.tables[kLiked]})
    spoil(*table, nodes_, 13);
  EXPECT_EQ(sentence_of_update(owns(13)),
            "the gradient of parameters/liked is not finite in the row of node 13 at step 57 "
            "(epoch 2)" +
                kAdvice);
}

TEST_F(FiniteCheckTest, TheFirstTensorAndInItTheLowestNodeAreNamed) {
  spoil(gradients_.tables[kDisliked], z_nodes_, kNeeded);
  spoil(gradients_.tables[kLiked], nodes_, 23);
  spoil(gradients_.tables[kLiked], nodes_, 17);
  EXPECT_EQ(sentence_of_update(owns(kNeeded) || owns(17) || owns(23)),
            "the gradient of parameters/liked is not finite in the row of node 17 at step 57 "
            "(epoch 2)" +
                kAdvice);
}

TEST_F(FiniteCheckTest, ACompactGradientIsNamedByItsNode) {
  spoil(gradients_.tables[kDisliked], z_nodes_, kNeeded);
  EXPECT_EQ(sentence_of_update(owns(kNeeded)),
            "the gradient of parameters/disliked is not finite in the row of node 15 at step 57 "
            "(epoch 2)" +
                kAdvice);
}

TEST_F(FiniteCheckTest, WhatLiesBehindTheNeededRowsIsNotSearched) {
  for (std::int64_t row = std::ssize(z_nodes_); row < zp_.rows(); ++row) zp_(row, 0) = kInfinity;
  EXPECT_EQ(sentence_of_loss(),
            "the loss is not finite at step 57 (epoch 2), although every tensor is" + kAdvice);
}

TEST_F(FiniteCheckTest, ASquareThatOverflowsIsNamed) {
  spoil(moments_.tables[kDisliked], nodes_, 5);
  EXPECT_EQ(
      sentence_of_update(owns(5)),
      "second_moment/disliked is not finite in the row of node 5 at step 57 (epoch 2)" + kAdvice);
}

TEST_F(FiniteCheckTest, AReplicatedTensorIsNamedWithItsRow) {
  gradients_.dense[layout_.dense.weight(1) + 3 * layout_.dense.width() + 19] = std::nan("");
  EXPECT_EQ(sentence_of_update(true),
            "the gradient of parameters/mlp.1.weight is not finite in row 3 at step 57 (epoch 2)" +
                kAdvice);
}

TEST_F(FiniteCheckTest, ALossIsBlamedOnTheFirstTensorOnItsWay) {
  EXPECT_EQ(sentence_of_loss(),
            "the loss is not finite at step 57 (epoch 2), although every tensor is" + kAdvice);
  spoil(gradients_.tables[kLiked], nodes_, 0);
  EXPECT_EQ(sentence_of_loss(),
            "the loss is not finite at step 57 (epoch 2), nor is the gradient of parameters/liked "
            "in the row of node 0" +
                kAdvice);
  const std::vector<NodeId> chosen = comm_.all_gather_v(std::span<const NodeId>(z_nodes_));
  const NodeId lowest = *std::min_element(chosen.begin(), chosen.end());
  spoil(z_, z_nodes_, lowest);
  EXPECT_EQ(sentence_of_loss(),
            "the loss is not finite at step 57 (epoch 2), nor is Z in the row of node " +
                std::to_string(lowest) + kAdvice);
  spoil(zp_, z_nodes_, 23);
  EXPECT_EQ(sentence_of_loss(),
            "the loss is not finite at step 57 (epoch 2), nor is Zp (propagated) in the row of "
            "node 23" +
                kAdvice);
  spoil(parameters_.tables[kDisliked], nodes_, 9);
  EXPECT_EQ(sentence_of_loss(),
            "the loss is not finite at step 57 (epoch 2), nor is parameters/disliked in the row "
            "of node 9" +
                kAdvice);
}

TEST(NotFinite, TheRowMayBeNamedAsPeopleKnowIt) {
  const NotFinite in_table(kMoment, false, BadTensor{"parameters/liked", true, 31});
  EXPECT_EQ(in_table.node(), 31);
  EXPECT_EQ(
      in_table.sentence("item 'B00XYZ'"),
      "parameters/liked is not finite in the row of item 'B00XYZ' at step 57 (epoch 2)" + kAdvice);
  EXPECT_FALSE(NotFinite(kMoment, false, BadTensor{"parameters/mlp.0.bias", false, 0}).node());
  EXPECT_FALSE(NotFinite(kMoment, true, std::nullopt).node());
}

}  // namespace
}  // namespace siren
