// SPDX-License-Identifier: Apache-2.0
// The memory that a training reports against what the allocator has in use.
#include "train/training_memory.hpp"

#include <malloc.h>
#include <numeric>

#include <gtest/gtest.h>

#include "siren/named_enum.hpp"
#include "support/share.hpp"
#include "train/training.hpp"

namespace siren::test {
namespace {

std::int64_t allocated() {
  const struct mallinfo2 heap = ::mallinfo2();
  return static_cast<std::int64_t>(heap.uordblks + heap.hblkhd);
}

std::int64_t all_of(const std::vector<MemoryUse>& uses) {
  return std::accumulate(uses.begin(), uses.end(), std::int64_t{0},
                         [](std::int64_t sum, const MemoryUse& use) { return sum + use.bytes; });
}

TrainConfig config_of(const char* model, const char* storage) {
  TrainConfig config;
  config.model = value_named<ModelKind>(model).value();
  config.storage = value_named<Storage>(storage).value();
  config.shared_memory = OnOff::kOff;  // windows are not the allocator's
  config.dimension = 48;
  config.batch = 64;  // little beside the rest; and a table is smaller than a huge page
  config.negatives = 2;
  return config;
}

class TrainingMemoryTest : public ::testing::Test {
 protected:
  struct Bytes {
    double taken;
    double reported;
  };
  Bytes measure(const TrainConfig& config) {
    const Ratings ratings = random_ratings(3000, 1500, 0.02, 3);
    const std::int64_t before = allocated();
    const auto share = make_share(comm_, ratings, config);
    const auto training =
        make_training({comm_, share->layout, share->set, share->graph}, config, best_isa());
    return {static_cast<double>(allocated() - before),
            static_cast<double>(all_of(training->memory()))};
  }
  void compare(const TrainConfig& config) {
    const auto [taken, reported] = measure(config);
    if (allocated() == 0) GTEST_SKIP() << "a sanitizer's allocator does not say what is in use";
    // The list leaves out lists of rows (some 4 B a row each), MPI's and the first batch's plan.
    EXPECT_GT(reported, 0.93 * taken) << comm_.rank();
    EXPECT_LT(reported, 1.01 * taken) << comm_.rank();
  }
  Communicator comm_ = Communicator::world();
};

TEST_F(TrainingMemoryTest, OfSiren) {
  compare(config_of("siren", "fp32"));
}

TEST_F(TrainingMemoryTest, OfLayersWithWeights) {
  TrainConfig config = config_of("lightgcn", "fp32");
  config.layer_weights = {0.1, 0.2, 0.3, 0.4, 0.5};
  compare(config);
  TrainConfig mean = config;
  mean.layer_weights = {};
  const std::int64_t factors = std::int64_t{2} * config.layers * 4;  // of a row
  const double more = measure(config).reported - measure(mean).reported;
  EXPECT_GE(more, 0.9 * static_cast<double>(factors * 4500) / comm_.size());
}

TEST_F(TrainingMemoryTest, OfSirenWithAverageInBf16) {
  TrainConfig config = config_of("siren", "bf16");
  config.average = 0.99;
  compare(config);
}

TEST_F(TrainingMemoryTest, OfLightGcnInFp64) {
  compare(config_of("lightgcn", "fp64"));
}

TEST_F(TrainingMemoryTest, OfDislikePairs) {
  TrainConfig config = config_of("lightgcn", "fp32");
  measure(config);  // what stays from a first time is no part of the difference
  const Bytes without = measure(config);
  config.dislike_pairs = 1;
  const Bytes with = measure(config);
  if (allocated() == 0) GTEST_SKIP() << "a sanitizer's allocator does not say what is in use";
  const double taken = with.taken - without.taken;
  // Neither MPI's buffers nor the first batch, which has other items, are in the list.
  constexpr double kUncounted = 8192;  // of some 40,000 on each of four ranks
  EXPECT_NEAR(with.reported - without.reported, taken, kUncounted) << comm_.rank();
}

TEST_F(TrainingMemoryTest, OfSoftmax) {
  TrainConfig config = config_of("lightgcn", "fp32");
  config.loss = LossKind::kSoftmax;
  config.batch_users = 16;
  compare(config);
}

TEST_F(TrainingMemoryTest, OfSoftmaxWithDraws) {
  TrainConfig config = config_of("lightgcn", "fp32");
  config.loss = LossKind::kSoftmax;
  config.batch_users = 16;
  config.shared_negatives = 32;
  compare(config);
}

TEST_F(TrainingMemoryTest, OfFactored) {
  for (const int layers : {0, 2}) {
    TrainConfig config = config_of("factored", "fp32");
    config.loss = LossKind::kSoftmax;
    config.item_bias = OnOff::kOn;
    config.batch_users = 16;
    config.polarity_batch = 64;
    config.polarity_layers = layers;
    compare(config);
  }
}

TEST_F(TrainingMemoryTest, OfMatrixFactorisation) {
  compare(config_of("mf", "fp32"));
}

}  // namespace
}  // namespace siren::test
