// SPDX-License-Identifier: Apache-2.0
// A training state survives the way through a file, onto any number of ranks.
#include <cstring>
#include <filesystem>
#include <string>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include "siren/error.hpp"
#include "support/share.hpp"
#include "train/checkpoint.hpp"
#include "train/training.hpp"

namespace siren::test {
namespace {

namespace fs = std::filesystem;

std::string scratch_directory(const Communicator& comm) {
  std::string path;
  if (comm.is_root()) {
    path = (fs::temp_directory_path() / fmt::format("siren-checkpoint-{}", ::getpid())).string();
    fs::create_directories(path);
  }
  comm.broadcast(path);
  return path;
}

/// A model in training, on the ranks of `comm`.
struct ModelOnRanks {
  ModelOnRanks(const Communicator& on, const std::string& partition) : comm(on) {
    config.storage = Storage::kFp64;
    config.dimension = 20;  // padded rows
    config.layers = 2;
    config.negatives = 4;
    config.batch = 200;
    share = make_share(comm, random_ratings(150, 90, 0.1, 5), config, partition);
    info.users = 150;
    info.items = 90;
    info.storage = "fp64";
    training = make_training({comm, share->layout, share->set, share->graph}, config, best_isa());
    for (std::int64_t row = 0; row < share->layout.rows(); ++row)
      nodes.push_back(share->layout.node_of(static_cast<LocalRow>(row)));
  }
  TableRows rows() const { return {nodes, share->layout.all_nodes()}; }
  void save(const std::string& path) {
    const std::vector<StateTensor> state = training->state();
    write_checkpoint(comm, path, {info, rows(), state});
  }
  void load(const std::string& path) {
    std::vector<StateTensor> state = training->state();
    read_checkpoint(comm, path, rows(), state);
    training->resume_at(read_checkpoint_info(path).step);
  }

  Communicator comm;
  TrainConfig config;
  CheckpointInfo info;
  std::unique_ptr<Share> share;
  std::unique_ptr<Training> training;
  std::vector<NodeId> nodes;
};

class Checkpoint : public ::testing::Test {
 protected:
  Checkpoint()
      : comm_(Communicator::world()),
        directory_(scratch_directory(comm_)),
        path_(directory_ + "/c.h5") {}
  ~Checkpoint() override {
    comm_.barrier();
    if (comm_.is_root()) fs::remove_all(directory_);
  }

  Communicator comm_;
  std::string directory_;
  std::string path_;
};

TEST_F(Checkpoint, ContinuesAsIfNeverStoppedOnAnotherPartition) {
  ModelOnRanks first(comm_, "block");
  for (int s = 0; s < 7; ++s) first.training->step();
  first.info.step = 7;
  first.save(path_);

  ModelOnRanks second(comm_, "random");  // the same file, other owners of the rows
  second.load(path_);
  for (int s = 0; s < 10; ++s) {
    const StepReport a = first.training->step();
    const StepReport b = second.training->step();
    EXPECT_EQ(a.step, b.step);
    EXPECT_NEAR(a.loss, b.loss, 1e-11 * a.loss) << "step " << a.step;
  }
}

TEST_F(Checkpoint, IsReadableByOneRankAlone) {
  ModelOnRanks together(comm_, "random");
  for (int s = 0; s < 3; ++s) together.training->step();
  together.info.step = 3;
  together.save(path_);
  ModelOnRanks alone(comm_.split(comm_.rank(), 0), "block");
  alone.load(path_);
  const double expected = together.training->step().loss;
  EXPECT_NEAR(alone.training->step().loss, expected, 1e-11 * expected);
}

TEST_F(Checkpoint, HoldsGlobalRowsBitForBit) {
  ModelOnRanks first(comm_, "block");
  for (int s = 0; s < 3; ++s) first.training->step();
  first.save(path_);
  ModelOnRanks second(comm_, "block");
  second.load(path_);
  const std::vector<StateTensor> a = first.training->state();
  const std::vector<StateTensor> b = second.training->state();
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t t = 0; t < a.size(); ++t)
    EXPECT_EQ(0, std::memcmp(a[t].data, b[t].data,
                             static_cast<std::size_t>(a[t].rows * a[t].stride * a[t].value_bytes)))
        << a[t].name;
}

TEST_F(Checkpoint, LeavesNoTemporaryFile) {
  ModelOnRanks run(comm_, "block");
  run.save(path_);
  EXPECT_TRUE(fs::exists(path_));
  for (const fs::directory_entry& entry : fs::directory_iterator(directory_))
    EXPECT_EQ(entry.path().string().find(".siren"), std::string::npos) << entry.path();
}

TEST_F(Checkpoint, WhatIsNoneIsToldInOneSentence) {
  EXPECT_THROW(read_checkpoint_info(directory_ + "/absent.h5"), InputError);
  EXPECT_THROW(read_checkpoint_info(SIREN_SOURCE_DIR "/README.md"), InputError);
  EXPECT_THROW(read_checkpoint_info(SIREN_SOURCE_DIR "/tests/golden/step.h5"), InputError);
}

}  // namespace
}  // namespace siren::test
