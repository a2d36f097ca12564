// SPDX-License-Identifier: Apache-2.0
// A small model and its checkpoint, for the tests of this folder.
#pragma once

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "math/matrix.hpp"
#include "support/common_folder.hpp"
#include "train/checkpoint.hpp"

namespace siren::test {

inline constexpr std::int64_t kUsers = 70;
inline constexpr std::int64_t kItems = 33;
inline constexpr std::int64_t kRows = kUsers + kItems;

inline const std::vector<CheckpointOptions>& all_options() {
  static const std::vector<CheckpointOptions> options = {{CheckpointIo::kIndependent, 0},
                                                         {CheckpointIo::kCollective, 0},
                                                         {CheckpointIo::kCollective, 4}};
  return options;
}

/// A padded table, one without padding and a replicated tensor, as rank of `comm` would have them.
struct Model {
  Model(const Communicator& comm, const std::string& partition) {
    for (NodeId node = 0; node < kRows; ++node) {
      std::int64_t owner = 0;
      if (partition == "runs") owner = node % kUsers * comm.size() / kUsers;
      if (partition == "scattered") owner = node * node % 7 % comm.size();
      if (owner == comm.rank()) nodes.push_back(node);
    }
    narrow = Matrix<float>(std::ssize(nodes), 5);
    wide = Matrix<double>(std::ssize(nodes), 32);
    weight = Matrix<float>(3, 4);
  }
  /// Different numbers everywhere.
  Model& fill() {
    for (std::int64_t i = 0; i < std::ssize(nodes); ++i) {
      const auto node = static_cast<double>(nodes[static_cast<std::size_t>(i)]);
      for (int c = 0; c < 5; ++c) narrow(i, c) = static_cast<float>(node + 0.1 * c);
      for (int c = 0; c < 32; ++c) wide(i, c) = -node + 1e-3 * c;
    }
    for (std::int64_t k = 0; k < 12; ++k) weight(k / 4, k % 4) = static_cast<float>(k) - 0.5F;
    return *this;
  }
  std::vector<StateTensor> tensors() {
    return {{"parameters/narrow", true, narrow.rows(), 5, narrow.stride(), 4, narrow.data()},
            {"parameters/weight", false, 3, 4, weight.stride(), 4, weight.data()},
            {"first_moment/wide", true, wide.rows(), 32, wide.stride(), 8, wide.data()}};
  }
  TableRows rows() const { return {nodes, kRows}; }
  bool operator==(const Model& other) const {
    const auto same = [](const auto& a, const auto& b) {
      return std::equal(a.span().begin(), a.span().end(), b.span().begin(), b.span().end());
    };
    return same(narrow, other.narrow) && same(wide, other.wide) && same(weight, other.weight);
  }

  std::vector<NodeId> nodes;
  Matrix<float> narrow;
  Matrix<double> wide;
  Matrix<float> weight;
};

inline CheckpointInfo some_info() {
  return {7, 2, kUsers, kItems, "fp32", "model = siren\n", "{\"best\":1}", "abc", "0.1"};
}

/// One checkpoint in a folder that all ranks know.
class CheckpointTest : public ::testing::Test {
 protected:
  CheckpointTest()
      : comm_(Communicator::world()),
        alone_(comm_.split(comm_.rank(), 0)),
        folder_(comm_),
        path_(folder_.path("c.h5")) {}

  void write(const std::string& partition, const CheckpointOptions& options = {}) {
    Model model(comm_, partition);
    const std::vector<StateTensor> tensors = model.fill().tensors();
    write_checkpoint(comm_, path_, {some_info(), model.rows(), tensors}, options);
  }
  void expect_whole_model(const Communicator& comm, const std::string& partition) {
    Model expected(comm, partition);
    Model read(comm, partition);
    read_checkpoint(comm, path_, read.rows(), read.tensors());
    EXPECT_TRUE(read == expected.fill()) << partition << " on " << comm.size();
  }
  void remove() {
    comm_.barrier();
    if (comm_.is_root()) std::filesystem::remove(path_);
    comm_.barrier();
  }

  Communicator comm_;
  Communicator alone_;
  CommonFolder folder_;
  std::string path_;
};

}  // namespace siren::test
