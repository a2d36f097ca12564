// SPDX-License-Identifier: Apache-2.0
#include "train/checkpoint.hpp"

#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "data/dataset_fixture.hpp"
#include "io/block_hashes.hpp"
#include "math/matrix.hpp"
#include "siren/error.hpp"
#include "train/checkpoint_fixture.hpp"

namespace siren {
namespace {

using test::all_options;
using test::kItems;
using test::kRows;
using test::kUsers;
using test::Model;
using test::some_info;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class CheckpointFile : public test::CheckpointTest {};

std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST_F(CheckpointFile, IsReadBackByAnyRanksFromAnyRanks) {
  const Communicator half = comm_.split(comm_.rank() % 2, 0);
  for (const CheckpointOptions& options : all_options())
    for (const char* written : {"runs", "scattered", "first"}) {
      write(written, options);
      verify_block_hashes(comm_, path_);
      for (const char* read : {"runs", "scattered", "first"}) expect_whole_model(comm_, read);
      expect_whole_model(half, "scattered");
      expect_whole_model(alone_, "runs");
      remove();
    }
}

TEST_F(CheckpointFile, HasTheSameBytesWhoeverWroteIt) {
  Model model(alone_, "runs");
  const std::vector<StateTensor> tensors = model.fill().tensors();
  const std::string own = fmt::format("{}.{}", path_, comm_.rank());
  write_checkpoint(alone_, own, {some_info(), model.rows(), tensors});
  for (const CheckpointIo io : {CheckpointIo::kIndependent, CheckpointIo::kCollective}) {
    write("scattered", {io, 0});
    EXPECT_TRUE(bytes_of(own) == bytes_of(path_)) << name_of(io);
    remove();
  }
}

TEST_F(CheckpointFile, SaysWhatItIs) {
  write("runs");
  const CheckpointInfo info = read_checkpoint_info(path_);
  EXPECT_THAT((std::vector{info.step, info.epoch, info.users, info.items}),
              ElementsAre(7, 2, kUsers, kItems));
  EXPECT_THAT((std::vector{info.storage, info.config, info.progress, info.dataset_hash,
                           info.program_version}),
              ElementsAre("fp32", "model = siren\n", "{\"best\":1}", "abc", "0.1"));
}

TEST_F(CheckpointFile, CompressionIsRefusedWhereHdf5CannotDoIt) {
  EXPECT_THAT(test::input_error([&] {
                validate({CheckpointIo::kIndependent, 1});
              }),
              HasSubstr("needs --checkpoint-io collective"));
  validate({CheckpointIo::kCollective, 9});
}

TEST_F(CheckpointFile, IoHasNames) {
  for (const CheckpointIo io : {CheckpointIo::kIndependent, CheckpointIo::kCollective})
    EXPECT_EQ(value_named<CheckpointIo>(name_of(io)), io);
  EXPECT_EQ(value_named<CheckpointIo>("posix"), std::nullopt);
}

TEST_F(CheckpointFile, GivesSomeRowsToPlacesOfTheCallersChoice) {
  write("scattered");
  const std::int64_t first = comm_.rank();
  std::vector<NodeId> nodes;  // every second row is wanted, by the ranks in turn
  std::vector<LocalRow> local;
  for (NodeId node = 2 * first; node < kRows; node += 2 * comm_.size()) nodes.push_back(node);
  for (std::size_t i = 0; i < nodes.size(); ++i)
    local.push_back(static_cast<LocalRow>(nodes.size() - 1 - i));
  Matrix<float> table(std::ssize(nodes), 5);
  const std::vector<StateTensor> tensors = {
      {"parameters/narrow", true, table.rows(), 5, table.stride(), 4, table.data()}};
  read_checkpoint(comm_, path_, {nodes, kRows, local}, tensors);
  for (std::size_t i = 0; i < nodes.size(); ++i)
    for (int c = 0; c < 5; ++c)
      EXPECT_EQ(table(local[i], c), static_cast<float>(static_cast<double>(nodes[i]) + 0.1 * c));
}

TEST_F(CheckpointFile, HoldsTheOriginalIds) {
  std::string dataset_path = folder_.path("d.h5");
  if (folder_.roots()) test::small_file(*folder_.roots());
  comm_.barrier();
  const DatasetFile dataset(dataset_path);
  const HeldIds ids(comm_, dataset);
  const std::vector<NodeId> nodes =
      comm_.is_root() ? std::vector<NodeId>{0, 1, 2, 3, 4, 5} : std::vector<NodeId>{};
  Matrix<float> table(std::ssize(nodes), 3);
  const std::vector<StateTensor> tensors = {
      {"parameters/liked", true, table.rows(), 3, table.stride(), 4, table.data()}};
  CheckpointInfo info = some_info();
  write_checkpoint(comm_, path_, {info, {nodes, 6}, tensors, &ids});
  EXPECT_THAT(test::input_error([&] { read_checkpoint_ids(path_, IdSide::kUsers, 0, 3); }),
              HasSubstr("ids/users/offsets does not tell where 70 ids begin"));
  remove();
  info.users = 3;
  info.items = 3;
  write_checkpoint(comm_, path_, {info, {nodes, 6}, tensors, &ids});
  EXPECT_THAT(read_checkpoint_ids(path_, IdSide::kUsers, 0, 3), ElementsAre("9", "10", "11"));
  EXPECT_THAT(read_checkpoint_ids(path_, IdSide::kItems, 0, 3), ElementsAre("a", "b", "c"));
  EXPECT_THAT(read_checkpoint_ids(path_, IdSide::kUsers, 1, 2), ElementsAre("10"));
  EXPECT_THAT(read_checkpoint_ids(path_, IdSide::kItems, 2, 2), ElementsAre());
}

// Training saves no such state; whoever reads one must not go on with it.
TEST_F(CheckpointFile, HoldsFiniteNumbers) {
  for (const float odd : {std::nanf(""), -std::numeric_limits<float>::infinity()}) {
    Model model(comm_, "runs");
    const std::vector<StateTensor> tensors = model.fill().tensors();
    if (comm_.rank() == comm_.size() - 1) model.narrow(0, 4) = odd;
    write_checkpoint(comm_, path_, {some_info(), model.rows(), tensors});
    EXPECT_THAT(test::input_error([&] { read_checkpoint(comm_, path_, model.rows(), tensors); }),
                HasSubstr("parameters/narrow holds values that are not finite"));
    remove();
  }
}

TEST_F(CheckpointFile, MistakesAreTheSameOnEveryRank) {
  const auto reading = [&](const std::string& name, std::int64_t rows, std::int64_t columns) {
    Matrix<float> table(kRows, columns);
    const Model model(comm_, "runs");
    const std::vector<StateTensor> tensors = {
        {name, true, table.rows(), columns, table.stride(), 4, table.data()}};
    return test::input_error([&] { read_checkpoint(comm_, path_, {model.nodes, rows}, tensors); });
  };
  EXPECT_THAT(reading("parameters/narrow", kRows, 5), HasSubstr("no such checkpoint"));
  write("runs");
  EXPECT_THAT(reading("parameters/other", kRows, 5), HasSubstr("belongs to another model"));
  EXPECT_THAT(reading("parameters/narrow", kRows, 6), HasSubstr("103 x 5 but the model needs"));
  EXPECT_THAT(reading("parameters/narrow", kRows + 1, 5), HasSubstr("needs 104 x 5"));
  EXPECT_THAT(test::input_error([&] { read_checkpoint_ids(path_, IdSide::kItems, 0, 1); }),
              HasSubstr("no original ids"));
  EXPECT_THROW(read_checkpoint_info(SIREN_SOURCE_DIR "/README.md"), InputError);
  EXPECT_THROW(read_checkpoint_info(SIREN_SOURCE_DIR "/tests/golden/step.h5"), InputError);
}

}  // namespace
}  // namespace siren
