// SPDX-License-Identifier: Apache-2.0
// The determinism contract (src/README.md, "Determinism"): the same bits for any thread count and on a rerun, the
// same losses to rounding for any rank count.
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <omp.h>

#include "support/share.hpp"
#include "train/training.hpp"

namespace siren::test {
namespace {

/// Large enough for several thread tiles and sum blocks, small enough for hundreds of steps.
const Ratings& ratings() {
  static const Ratings all = random_ratings(600, 300, 0.05, 11);
  return all;
}

TrainConfig small_config(const std::string& storage) {
  TrainConfig config;
  config.storage = value_named<Storage>(storage).value();
  config.dimension = 32;
  config.layers = 3;
  config.negatives = 8;
  config.batch = 256;
  config.seed = 3;
  return config;
}

struct Outcome {
  std::vector<double> losses;
  std::vector<std::vector<char>> state;  // bytes of this rank's tensors
};

Outcome train(const Communicator& comm, const TrainConfig& config, int steps,
              const std::string& partition = "block") {
  const auto share = make_share(comm, ratings(), config, partition);
  const auto training =
      make_training({comm, share->layout, share->set, share->graph}, config, best_isa());
  Outcome outcome;
  for (int s = 0; s < steps; ++s) {
    const StepReport report = training->step();
    outcome.losses.push_back(report.loss + report.reg);
    if (report.polarity.ratings > 0) {
      outcome.losses.push_back(report.polarity.loss);
      outcome.losses.push_back(report.polarity.reg);
    }
  }
  for (const StateTensor& tensor : training->state()) {
    const char* bytes = static_cast<const char*>(tensor.data);
    outcome.state.emplace_back(bytes, bytes + tensor.rows * tensor.stride * tensor.value_bytes);
  }
  return outcome;
}

/// Losses of the same run on one rank, computed by every rank for itself.
std::vector<double> single_rank_losses(const TrainConfig& config, int steps) {
  const Communicator world = Communicator::world();
  const Communicator alone = world.split(world.rank(), 0);
  return train(alone, config, steps).losses;
}

void expect_close(const std::vector<double>& got, const std::vector<double>& want,
                  double tolerance) {
  ASSERT_EQ(got.size(), want.size());
  for (std::size_t s = 0; s < got.size(); ++s)
    EXPECT_NEAR(got[s], want[s], tolerance * std::abs(want[s])) << "step " << s + 1;
}

TrainConfig softmax_config(const std::string& storage) {
  TrainConfig config = small_config(storage);
  config.loss = LossKind::kSoftmax;
  config.model = ModelKind::kLightGcn;
  config.temperature = 0.5;
  config.batch_users = 70;
  return config;
}

TrainConfig factored_config(const std::string& storage) {
  TrainConfig config = softmax_config(storage);
  config.model = ModelKind::kFactored;
  config.item_bias = OnOff::kOn;
  config.dislike_weight = 0.4;
  config.polarity_batch = 1500;
  config.polarity_batches = 2;
  return config;
}

TrainConfig pairs_config(const std::string& storage) {
  TrainConfig config = small_config(storage);
  config.dislike_pairs = 3;
  return config;
}

TEST(Invariance, DislikePairsChangeTheLossAndItAgreesAcrossRanks) {
  for (const ModelKind model : {ModelKind::kSiren, ModelKind::kLightGcn}) {
    TrainConfig config = pairs_config("fp64");
    config.model = model;
    const std::vector<double> alone = single_rank_losses(config, 40);
    for (const char* partition : {"block", "random", "first"})
      expect_close(train(Communicator::world(), config, 40, partition).losses, alone, 1e-10);
    config.dislike_pairs = 0;
    const std::vector<double> without = single_rank_losses(config, 40);
    for (std::size_t s = 0; s < alone.size(); ++s) EXPECT_NE(alone[s], without[s]) << s;
  }
}

/// Other negatives, and layers in the polarity branch, whose losses stand apart.
TrainConfig draws_config(const std::string& storage) {
  TrainConfig config = factored_config(storage);
  config.shared_negatives = 60;
  config.polarity_layers = 2;
  return config;
}

TEST(Invariance, SoftmaxLossesAgreeAcrossRanks) {
  for (const auto& [storage, tolerance] : {std::pair("fp64", 1e-10), std::pair("fp32", 1e-4)})
    for (const TrainConfig& config :
         {softmax_config(storage), factored_config(storage), draws_config(storage)}) {
      const std::vector<double> alone = single_rank_losses(config, 40);
      for (const char* partition : {"block", "random"})
        expect_close(train(Communicator::world(), config, 40, partition).losses, alone, tolerance);
    }
}

TEST(Invariance, DoubleLossesAgreeAcrossRanksFor100Steps) {
  const TrainConfig config = small_config("fp64");
  const std::vector<double> alone = single_rank_losses(config, 100);
  for (const char* partition : {"block", "random"})
    expect_close(train(Communicator::world(), config, 100, partition).losses, alone, 1e-10);
}

TEST(Invariance, Fp32LossesAgreeAcrossRanks) {
  const TrainConfig config = small_config("fp32");
  const std::vector<double> alone = single_rank_losses(config, 50);
  const std::vector<double> together = train(Communicator::world(), config, 50).losses;
  expect_close({together.begin(), together.begin() + 20}, {alone.begin(), alone.begin() + 20},
               1e-5);
  expect_close(together, alone, 1e-3);
}

TEST(Invariance, Bf16LossesAgreeAcrossRanks) {
  const TrainConfig config = small_config("bf16");
  expect_close(train(Communicator::world(), config, 20).losses, single_rank_losses(config, 20),
               1e-2);
}

TEST(Invariance, ARerunAndAnyThreadCountGiveTheSameBits) {
  for (const TrainConfig& config :
       {small_config("fp32"), small_config("bf16"), small_config("fp64"), softmax_config("fp32"),
        softmax_config("bf16"), factored_config("fp32"), factored_config("bf16"),
        draws_config("fp32"), draws_config("bf16"), pairs_config("fp32"), pairs_config("bf16")}) {
    const std::string_view storage = name_of(config.storage);
    omp_set_num_threads(1);
    const Outcome first = train(Communicator::world(), config, 15);
    for (const int threads : {1, 2, 3}) {
      omp_set_num_threads(threads);
      const Outcome again = train(Communicator::world(), config, 15);
      EXPECT_EQ(first.losses, again.losses) << storage << ", " << threads << " threads";
      EXPECT_EQ(first.state, again.state) << storage << ", " << threads << " threads";
    }
    omp_set_num_threads(1);
  }
}

TEST(Invariance, WithoutOverlapTheBitsAreTheSame) {
  for (const char* storage : {"fp32", "bf16"}) {
    TrainConfig config = small_config(storage);
    const Outcome with = train(Communicator::world(), config, 10);
    config.overlap = false;
    const Outcome without = train(Communicator::world(), config, 10);
    EXPECT_EQ(with.losses, without.losses) << storage;
    EXPECT_EQ(with.state, without.state) << storage;
  }
}

TEST(Invariance, WithoutSharedMemoryTheBitsAreTheSame) {
  for (const char* storage : {"fp32", "bf16"})
    for (const char* partition : {"block", "random"}) {
      TrainConfig config = small_config(storage);
      const Outcome with = train(Communicator::world(), config, 10, partition);
      config.shared_memory = OnOff::kOff;
      const Outcome without = train(Communicator::world(), config, 10, partition);
      EXPECT_EQ(with.losses, without.losses) << storage << ", " << partition;
      EXPECT_EQ(with.state, without.state) << storage << ", " << partition;
    }
}

TEST(Invariance, ReplicatedTensorsAreTheSameOnEveryRank) {
  const Communicator comm = Communicator::world();
  for (const TrainConfig& config : {small_config("fp32"), draws_config("fp32")}) {
    const auto share = make_share(comm, ratings(), config);
    const auto training =
        make_training({comm, share->layout, share->set, share->graph}, config, best_isa());
    for (int s = 0; s < 10; ++s) training->step();
    for (const StateTensor& tensor : training->state()) {
      if (tensor.is_table) continue;
      const auto* values = static_cast<const float*>(tensor.data);
      const std::vector<float> mine(values, values + tensor.rows * tensor.stride);
      const std::vector<float> all = comm.all_gather_v(std::span<const float>(mine));
      for (int rank = 0; rank < comm.size(); ++rank)
        EXPECT_EQ(0, std::memcmp(all.data() + static_cast<std::size_t>(rank) * mine.size(),
                                 mine.data(), mine.size() * sizeof(float)))
            << tensor.name << " on rank " << rank;
    }
  }
}

TEST(Invariance, ABatchLargerThanAChunkAndLargerThanTheDataIsTheSameEverywhere) {
  TrainConfig config = small_config("fp64");
  config.batch = 1'000'000;  // one step an epoch, several chunks
  config.negatives = 2;
  expect_close(train(Communicator::world(), config, 5).losses, single_rank_losses(config, 5),
               1e-10);
}

TEST(Invariance, RanksWithoutRowsTakePart) {
  const TrainConfig config = small_config("fp64");
  expect_close(train(Communicator::world(), config, 10, "first").losses,
               single_rank_losses(config, 10), 1e-10);
}

TEST(Invariance, LearningHappens) {
  const TrainConfig config = small_config("fp32");
  const std::vector<double> losses = train(Communicator::world(), config, 200).losses;
  EXPECT_LT(losses.back(), 0.95 * losses.front());
}

}  // namespace
}  // namespace siren::test
