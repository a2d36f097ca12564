// SPDX-License-Identifier: Apache-2.0
// The lean model gives what the training's evaluation gives, and the same bits on any ranks.
#include "train/scoring_model.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <omp.h>

#include "siren/error.hpp"
#include "support/share.hpp"

namespace siren::test {
namespace {

TrainConfig config_of(const std::string& model, const std::string& storage) {
  TrainConfig config;
  config.model = value_named<ModelKind>(model).value();
  config.storage = value_named<Storage>(storage).value();
  config.dimension = 40;  // more than one slice of columns, the last with padding
  config.layers = 3;
  config.negatives = 8;
  config.batch = 256;
  config.learning_rate = 0.05;
  return config;
}

/// A model in training and the same for scoring, on the ranks of one communicator.
struct Twins {
  Twins(const Communicator& comm, const TrainConfig& config, const std::string& partition,
        int steps, Travel travel = Travel::kItems)
      : share(make_share(comm, random_ratings(300, 150, 0.06, 11), config, partition, travel)),
        inputs{comm, share->layout, share->set, share->graph},
        training(make_training(inputs, config, best_isa())),
        scoring(inputs, config, best_isa()) {
    for (int s = 0; s < steps; ++s) training->step();
    NodeTables rows = training->embed();
    users = std::move(rows.users);
    items = std::move(rows.items);
    const std::vector<StateTensor> from = training->state();
    for (const StateTensor& to : scoring.parameters())
      copy(*std::find_if(from.begin(), from.end(),
                         [&](const StateTensor& tensor) { return tensor.name == to.name; }),
           to);
  }
  static void copy(const StateTensor& from, const StateTensor& to) {
    for (std::int64_t i = 0; i < to.rows * to.stride; ++i)
      static_cast<float*>(to.data)[i] =
          from.value_bytes == 4 ? static_cast<const float*>(from.data)[i]
                                : static_cast<float>(static_cast<const double*>(from.data)[i]);
  }

  std::unique_ptr<Share> share;
  TrainingInputs inputs;
  std::unique_ptr<Training> training;
  ScoringModel scoring;
  Matrix<float> users;  // Z as the training's evaluation has it
  Matrix<float> items;
};

float largest_difference(const Matrix<float>& a, const Matrix<float>& b) {
  EXPECT_EQ(a.rows(), b.rows());
  float most = 0.0F;
  for (std::int64_t r = 0; r < a.rows(); ++r)
    for (std::int64_t c = 0; c < a.columns(); ++c)
      most = std::max(most, std::abs(a(r, c) - b(r, c)));
  return most;
}

float largest(const Matrix<float>& a) {
  return largest_difference(a, Matrix<float>(a.rows(), a.columns()));
}

bool same_row(const Matrix<float>& a, std::int64_t r, const Matrix<float>& b, std::int64_t s) {
  return std::memcmp(a.row(r), b.row(s), static_cast<std::size_t>(a.stride()) * sizeof(float)) == 0;
}

class ScoringModelTest : public ::testing::Test {
 protected:
  void expect_equal_to_training(const TrainConfig& config, float tolerance) {
    for (const char* partition : {"block", "random"})
      for (const Travel travel : {Travel::kItems, Travel::kUsers}) {
        Twins twins(comm_, config, partition, 5, travel);
        const Embeddings made = twins.scoring.embed(Branches::kBlended);
        const float scale = std::max(largest(twins.users), largest(twins.items));
        EXPECT_LT(largest_difference(made.z.users, twins.users), tolerance * (0.1F + scale));
        EXPECT_LT(largest_difference(made.z.items, twins.items), tolerance * (0.1F + scale));
      }
  }

  Communicator comm_ = Communicator::world();
  Communicator alone_ = comm_.split(comm_.rank(), 0);
};

// Sums of at most a hundred fp32 terms, three layers, an MLP of 40 columns: some tens of roundings.
TEST_F(ScoringModelTest, AgreesWithTheEvaluationOfTraining) {
  for (const char* model : {"siren", "lightgcn", "mf"})
    expect_equal_to_training(config_of(model, "fp32"), 2e-6F);
  TrainConfig plain = config_of("siren", "fp32");
  plain.no_attention = true;
  plain.norm = Normalisation::kMean;
  expect_equal_to_training(plain, 2e-6F);
}

TrainConfig factored_config(const char* storage) {
  TrainConfig config = config_of("factored", storage);
  config.loss = LossKind::kSoftmax;
  config.item_bias = OnOff::kOn;
  config.temperature = 0.5;
  config.batch_users = 64;
  config.polarity_batch = 500;
  config.polarity_batches = 2;
  return config;
}

// Rows of users are divided by the temperature; bias and polarity are copied, the latter behind its
// layers.
TEST_F(ScoringModelTest, AgreesWithTheEvaluationOfAFactoredModel) {
  for (const int layers : {0, 2})
    for (const char* storage : {"fp32", "fp64"}) {
      TrainConfig config = factored_config(storage);
      config.polarity_layers = layers;
      expect_equal_to_training(config, 2e-6F);
    }
  TrainConfig other = factored_config("fp32");
  other.similarity = Similarity::kCosine;
  other.layer_weights.assign(static_cast<std::size_t>(other.layers) + 1, 0.2);
  other.layer_weights[1] = 0.7;
  expect_equal_to_training(other, 2e-6F);
}

// z = <X_u, X_i> / t + a_i, with a_i in a column of its own.
TEST_F(ScoringModelTest, FinalRowsOfAFactoredModelHaveItsScoresAsProducts) {
  TrainConfig config = factored_config("fp32");
  config.layers = 0;
  config.average = 0.0;
  config.dislike_weight = 0.4;  // so that no row is cold
  Twins twins(comm_, config, "random", 3);
  const std::vector<StateTensor> state = twins.training->state();
  const auto value = [&](const char* name, std::int64_t row, std::int64_t column) {
    const StateTensor& tensor = *std::find_if(
        state.begin(), state.end(), [&](const StateTensor& one) { return one.name == name; });
    return static_cast<const float*>(tensor.data)[row * tensor.stride + column];
  };
  for (std::int64_t u = 0; u < twins.users.rows(); ++u) {
    for (std::int64_t c = 0; c < config.dimension; ++c)
      ASSERT_NEAR(twins.users(u, c), value("parameters/liked", u, c) / config.temperature, 1e-6);
    ASSERT_EQ(twins.users(u, config.dimension), 1.0F);
  }
  const std::int64_t users = twins.users.rows();
  for (std::int64_t i = 0; i < twins.items.rows(); ++i) {
    for (std::int64_t c = 0; c < config.dimension; ++c)
      ASSERT_EQ(twins.items(i, c), value("parameters/liked", users + i, c));
    ASSERT_EQ(twins.items(i, config.dimension), value("parameters/item_bias", users + i, 0));
  }
}

// Nothing has trained them: what they began with would be noise in scores. Biases stay.
TEST_F(ScoringModelTest, ColdRowsOfAFactoredModelAreZero) {
  Ratings ratings = random_ratings(40, 25, 0.3, 5);
  std::erase_if(ratings.all, [](const Rating& r) { return r.user == 7 || r.item == 9; });
  TrainConfig config = factored_config("fp32");
  config.dislike_weight = 0.4;  // so that dislikes alone do train
  const auto share = make_share(comm_, ratings, config);
  const auto training =
      make_training({comm_, share->layout, share->set, share->graph}, config, best_isa());
  training->step();
  const NodeTables rows = training->embed();
  const std::int64_t q = config.dimension + 1;
  for (std::int64_t u = 0; u < rows.users.rows(); ++u) {
    const bool cold = share->layout.owned_users()[static_cast<std::size_t>(u)] == 7;
    EXPECT_EQ(rows.users(u, 0) == 0.0F, cold);
    EXPECT_EQ(rows.users(u, q) == 0.0F, cold);
    EXPECT_EQ(rows.users(u, rows.users.columns() - 1), 1.0F);
  }
  for (std::int64_t i = 0; i < rows.items.rows(); ++i) {
    const bool cold = share->layout.owned_items()[static_cast<std::size_t>(i)] == 9;
    EXPECT_EQ(rows.items(i, 0) == 0.0F, cold);
    EXPECT_EQ(rows.items(i, q) == 0.0F, cold);
  }
}

TEST_F(ScoringModelTest, AgreesWithTrainingInDoubleToFloat) {
  expect_equal_to_training(config_of("siren", "fp64"), 2e-6F);
}

// Both round a layer's input to 8 bits; the training on several ranks partial sums, too.
TEST_F(ScoringModelTest, AgreesWithTrainingInBfloat16) {
  expect_equal_to_training(config_of("siren", "bf16"), 2e-2F);
}

// On one rank the roundings are the same but where a sum lies at the border of two bfloat16.
TEST_F(ScoringModelTest, RoundsTheLayersAsTrainingInBfloat16OnOneRank) {
  Twins twins(alone_, config_of("siren", "bf16"), "block", 5);
  const Matrix<float> got = twins.scoring.embed(Branches::kBlended).z.items;
  const float scale = 1e-5F * largest(twins.items);
  std::int64_t off = 0;
  for (std::int64_t r = 0; r < got.rows(); ++r)
    for (std::int64_t c = 0; c < got.columns(); ++c)
      off += std::abs(got(r, c) - twins.items(r, c)) > scale;
  EXPECT_LT(20 * off, got.rows() * got.columns());
}

TEST_F(ScoringModelTest, HasTheSameBitsOnAnyRanksAndThreads) {
  const int threads = omp_get_max_threads();
  TrainConfig layers = factored_config("fp32");
  layers.polarity_layers = 2;
  for (const TrainConfig& config :
       {config_of("siren", "fp32"), config_of("siren", "bf16"), layers}) {
    omp_set_num_threads(1);
    Twins single(alone_, config, "block", 0);
    const Embeddings want = single.scoring.embed(Branches::kAll);
    omp_set_num_threads(3);
    for (const char* partition : {"block", "random", "first"})
      for (const Travel travel : {Travel::kItems, Travel::kUsers}) {
        Twins twins(comm_, config, partition, 0, travel);
        const Embeddings got = twins.scoring.embed(Branches::kAll);
        const Layout& layout = twins.share->layout;
        for (const auto table : {&Embeddings::z, &Embeddings::zp, &Embeddings::zn}) {
          if ((want.*table).users.columns() == 0) continue;  // the model has no such branch
          for (std::int64_t u = 0; u < layout.users(); ++u)
            EXPECT_TRUE(same_row((got.*table).users, u, (want.*table).users,
                                 layout.owned_users()[static_cast<std::size_t>(u)]));
          for (std::int64_t i = 0; i < layout.items(); ++i)
            EXPECT_TRUE(same_row((got.*table).items, i, (want.*table).items,
                                 layout.owned_items()[static_cast<std::size_t>(i)]));
        }
      }
  }
  omp_set_num_threads(threads);
}

TEST_F(ScoringModelTest, BlendsItsBranches) {
  TrainConfig config = config_of("siren", "fp32");
  config.no_attention = true;  // Z = (Zp + Zn) / 2
  Twins twins(comm_, config, "block", 3);
  const Embeddings made = twins.scoring.embed(Branches::kAll);
  for (std::int64_t u = 0; u < made.z.users.rows(); ++u)
    for (std::int64_t c = 0; c < made.z.users.columns(); ++c)
      EXPECT_NEAR(made.z.users(u, c), 0.5F * (made.zp.users(u, c) + made.zn.users(u, c)), 1e-6F);
}

TEST_F(ScoringModelTest, NeedsLessThanHalfTheMemoryOfTraining) {
  Twins twins(comm_, config_of("siren", "fp32"), "block", 1);
  std::int64_t training = 0;
  for (const MemoryUse& use : twins.training->memory())
    if (use.kind == "embeddings and moments" || use.kind == "gradients" ||
        use.kind == "layer tables and halo")
      training += use.bytes;
  EXPECT_LT(2 * twins.scoring.bytes(), training);
}

TEST_F(ScoringModelTest, ValuesThatAreNotFiniteAreToldOnAllRanks) {
  Twins twins(comm_, config_of("siren", "fp32"), "block", 0);
  if (comm_.rank() == comm_.size() - 1)
    static_cast<float*>(twins.scoring.parameters()[0].data)[3] =
        std::numeric_limits<float>::quiet_NaN();
  EXPECT_THROW(twins.scoring.embed(Branches::kBlended), InputError);
}

}  // namespace
}  // namespace siren::test
