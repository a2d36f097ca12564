// SPDX-License-Identifier: Apache-2.0
#include "siren/io/checkpoint.hpp"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sys/resource.h>

#include "siren/core/error.hpp"
#include "siren/io/block_hashes.hpp"
#include "siren/math/matrix.hpp"

#include "io/dataset_fixture.hpp"
#include "support/common_folder.hpp"

namespace siren {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::int64_t kUsers = 70;
constexpr std::int64_t kItems = 33;
constexpr std::int64_t kRows = kUsers + kItems;

const std::vector<CheckpointOptions>& all_options() {
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

CheckpointInfo some_info() {
  return {7, 2, kUsers, kItems, "fp32", "model = siren\n", "{\"best\":1}", "abc", "0.1"};
}

std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class CheckpointFile : public ::testing::Test {
 protected:
  CheckpointFile()
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
  test::CommonFolder folder_;
  std::string path_;
};

TEST_F(CheckpointFile, IsReadBackByAnyRanksFromAnyRanks) {
  for (const CheckpointOptions& options : all_options())
    for (const char* written : {"runs", "scattered", "first"}) {
      write(written, options);
      verify_block_hashes(comm_, path_);
      for (const char* read : {"runs", "scattered", "first"}) expect_whole_model(comm_, read);
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
  const CheckpointInfo expected = some_info();
  EXPECT_THAT((std::vector{info.step, info.epoch, info.users, info.items}),
              ElementsAre(expected.step, expected.epoch, expected.users, expected.items));
  EXPECT_THAT((std::vector{info.storage, info.config, info.progress, info.dataset_hash,
                           info.program_version}),
              ElementsAre(expected.storage, expected.config, expected.progress,
                          expected.dataset_hash, expected.program_version));
}

TEST_F(CheckpointFile, IsSmallerCompressed) {
  Model model(comm_, "runs");  // all zeros
  const std::vector<StateTensor> tensors = model.tensors();
  const CheckpointContents contents{some_info(), model.rows(), tensors};
  const WrittenFile plain = write_checkpoint(comm_, path_, contents);
  remove();
  const WrittenFile small =
      write_checkpoint(comm_, path_, contents, {CheckpointIo::kCollective, 1});
  EXPECT_LT(small.bytes, plain.bytes / 2);
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
    EXPECT_EQ(checkpoint_io_from(name_of(io)), io);
  EXPECT_EQ(checkpoint_io_from("posix"), std::nullopt);
}

TEST_F(CheckpointFile, IsAllThatIsLeftInTheFolderBesideItsHashes) {
  write("scattered");
  if (folder_.roots()) {
    EXPECT_EQ(folder_.roots()->files(), 2);
    EXPECT_TRUE(std::filesystem::exists(block_hashes_path(path_)));
  }
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
  const std::vector<NodeId> nodes =
      comm_.is_root() ? std::vector<NodeId>{0, 1, 2, 3, 4, 5} : std::vector<NodeId>{};
  Matrix<float> table(std::ssize(nodes), 3);
  const std::vector<StateTensor> tensors = {
      {"parameters/liked", true, table.rows(), 3, table.stride(), 4, table.data()}};
  write_checkpoint(comm_, path_, {some_info(), {nodes, 6}, tensors, &dataset});
  EXPECT_THAT(read_checkpoint_ids(path_, IdSide::kUsers, 0, 3), ElementsAre("9", "10", "11"));
  EXPECT_THAT(read_checkpoint_ids(path_, IdSide::kItems, 0, 3), ElementsAre("a", "b", "c"));
  EXPECT_THAT(read_checkpoint_ids(path_, IdSide::kUsers, 1, 2), ElementsAre("10"));
  EXPECT_THAT(read_checkpoint_ids(path_, IdSide::kItems, 2, 2), ElementsAre());
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

/// Files of this process cannot grow beyond `bytes` while this lives.
class FileLimit {
 public:
  explicit FileLimit(rlim_t bytes) : before_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &limit_);
    const rlimit lower{bytes, limit_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &lower);
  }
  ~FileLimit() {
    ::setrlimit(RLIMIT_FSIZE, &limit_);
    std::signal(SIGXFSZ, before_);
  }
  FileLimit(const FileLimit&) = delete;
  FileLimit& operator=(const FileLimit&) = delete;

 private:
  rlimit limit_{};
  void (*before_)(int);
};

TEST_F(CheckpointFile, OneRankThatCannotWriteEndsItForAllAndLeavesNothing) {
  for (const CheckpointOptions& options : all_options())
    for (int failing = 0; failing < comm_.size(); ++failing) {
      std::unique_ptr<FileLimit> limit;
      if (comm_.rank() == failing) limit = std::make_unique<FileLimit>(9000);
      if (options.io == CheckpointIo::kCollective && failing > 0) continue;  // who writes is MPI's
      EXPECT_THROW(write("scattered", options), CommonEnvironmentError) << failing;
      comm_.barrier();
      if (folder_.roots()) {
        EXPECT_EQ(folder_.roots()->files(), 0) << name_of(options.io) << " " << failing;
      }
    }
}

TEST_F(CheckpointFile, WhatCannotGetItsNameLeavesNothing) {
  for (const std::string& taken : {path_, block_hashes_path(path_)}) {
    if (comm_.is_root()) std::filesystem::create_directory(taken);
    comm_.barrier();
    EXPECT_THROW(write("runs"), CommonEnvironmentError);
    comm_.barrier();
    if (folder_.roots()) {
      EXPECT_EQ(folder_.roots()->files(), 1) << taken;
    }
    comm_.barrier();
    if (comm_.is_root()) std::filesystem::remove(taken);
  }
}

TEST_F(CheckpointFile, AFolderThatIsNotCommonIsTheUsersMistake) {
  if (comm_.size() == 1) GTEST_SKIP() << "needs a second rank";
  const test::TempFolder own;  // each rank's is another: like a local disk
  const std::string here = std::filesystem::current_path().string();
  std::filesystem::current_path(own.path(""));
  path_ = "c.h5";
  EXPECT_THAT(test::input_error([&] { write("runs"); }), HasSubstr("not the same for all ranks"));
  std::filesystem::current_path(here);
  EXPECT_EQ(own.files(), 0);
}

}  // namespace
}  // namespace siren
