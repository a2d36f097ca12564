// SPDX-License-Identifier: Apache-2.0
#include "train/node_memory.hpp"

#include <gmock/gmock.h>

#include "siren/error.hpp"

namespace siren {
namespace {

using testing::HasSubstr;

DatasetSummary million_nodes() {
  DatasetSummary data;
  data.users = data.items = 500'000;
  data.ratings = 1'000'000;
  return data;  // at 64 columns of 4 B a table of all rows takes 256 MB
}

TEST(CheckMemory, RefusesWhatANodeCannotHold) {
  const Communicator comm = Communicator::world();
  const NodeMemory node = node_memory(comm);
  EXPECT_EQ(node.ranks, comm.size());
  DatasetSummary data = million_nodes();
  TrainConfig config;
  EXPECT_GT(least_bytes(data, config, 1), 10 * 256'000'000LL);
  EXPECT_LT(least_bytes(data, config, 1), 13 * 256'000'000LL);
  // three ranks more hold three times more of what every rank holds: dense tensors (two MLP layers,
  // attention and its query: 3 x 64 x 64 + 4 x 64 values of 4 B) with moments, gradient and 64 partial
  // sums; 20 B an item and two bitmaps of it; and the ends of arrays
  const std::int64_t dense = 4 * (3 * 64 * 64 + 4 * 64) * (3 + 1 + 64);
  const std::int64_t items = 20 * data.items + 2 * 12 * ((data.items + 63) / 64);
  EXPECT_NEAR(static_cast<double>(4 * least_bytes(data, config, 4) - least_bytes(data, config, 1)),
              static_cast<double>(3 * (dense + items)), 300.0);
  config.memory_limit = 4.0;
  EXPECT_NO_THROW(check_memory(comm, node, data, config));
  config.memory_limit = 2.0;
  try {
    check_memory(comm, node, data, config);
    ADD_FAILURE() << "2 GB are taken for enough";
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(), HasSubstr("has 2.0 GB of memory by --memory-limit"));
  }
  config.memory_limit = 0.0;
  data.users = std::int64_t{1} << 40;  // more than any machine has
  EXPECT_THROW(check_memory(comm, node, data, config), InputError);
}

TEST(HasMemory, ForSeveralTimesTheLeast) {
  const Communicator comm = Communicator::world();
  const NodeMemory node = node_memory(comm);
  TrainConfig config;
  config.memory_limit = 4.0;
  EXPECT_TRUE(has_memory(comm, node, million_nodes(), config, 1));
  EXPECT_FALSE(has_memory(comm, node, million_nodes(), config, 2));
  config.memory_limit = 8.0;
  EXPECT_TRUE(has_memory(comm, node, million_nodes(), config, 2));
}

/// As in `siren cv`: each rank a run of its own, all of them beside each other.
TEST(CheckMemory, CountsTheRunsBesideThisOne) {
  const Communicator job = Communicator::world();
  const Communicator alone = job.split(job.rank(), 0);
  TrainConfig config;
  config.memory_limit = 4.0;  // enough for one run, not for two
  const NodeMemory node = node_memory(job);
  if (job.size() == 1)
    EXPECT_NO_THROW(check_memory(alone, node, million_nodes(), config));
  else
    EXPECT_THROW(check_memory(alone, node, million_nodes(), config), InputError);
}

}  // namespace
}  // namespace siren
