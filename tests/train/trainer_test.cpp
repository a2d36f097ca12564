// SPDX-License-Identifier: Apache-2.0
// The gradient of the whole loss, across ranks: what a step reports as loss changes with every
// parameter as gradients() says.
#include "train/trainer.hpp"

#include <cmath>

#include <gtest/gtest.h>

#include "support/finite_difference.hpp"
#include "support/share.hpp"
#include "support/whole_gradients.hpp"

namespace siren::test {
namespace {

struct Variant {
  std::string name;
  TrainConfig config;
  std::string partition = "block";
  Travel travel = Travel::kItems;
};
std::ostream& operator<<(std::ostream& out, const Variant& variant) {
  return out << variant.name;
}

TrainConfig small_config() {
  TrainConfig config;
  config.dimension = 10;
  config.layers = 3;
  config.negatives = 3;
  config.batch = 60;
  config.seed = 5;
  config.storage = Storage::kFp64;
  return config;
}

/// Some users and items without likes, and user 2 with nothing left to sample.
Ratings small_ratings() {
  Ratings ratings = random_ratings(25, 18, 0.2, 9);
  std::erase_if(ratings.all, [](const Rating& r) { return r.user == 2; });
  for (ItemId item = 0; item < 18; ++item)
    ratings.all.push_back({2, item, static_cast<std::int8_t>(item % 3 - 1)});
  std::sort(ratings.all.begin(), ratings.all.end(), [](const Rating& a, const Rating& b) {
    return std::tie(a.user, a.item) < std::tie(b.user, b.item);
  });
  return ratings;
}

using Values = ParameterSet<double>;

/// A parameter by global place: a row and column of a table, or a place in the replicated tensors.
struct Place {
  enum class Where { kLiked, kDisliked, kBias, kDense } where;
  std::int64_t row;  // node, or place in the dense array
  std::int64_t column = 0;
};

class Gradient : public ::testing::TestWithParam<Variant> {
 protected:
  std::unique_ptr<Trainer<Fp64>> trainer() {
    return std::make_unique<Trainer<Fp64>>(
        TrainingInputs{comm_, share_->layout, share_->set, share_->graph}, GetParam().config,
        best_isa());
  }

  /// Null where another rank holds the row.
  double* find(Values& values, const Place& place) const {
    if (place.where == Place::Where::kDense) return values.dense.data() + place.row;
    const auto of_kind = [&]() -> Matrix<double>& {
      if (place.where == Place::Where::kBias) return values.tables.back();
      return values.tables[place.where == Place::Where::kLiked ? kLiked : kDisliked];
    };
    Matrix<double>& table = of_kind();
    for (LocalRow row = 0; row < share_->layout.rows(); ++row)
      if (share_->layout.node_of(row) == place.row) return table.row(row) + place.column;
    return nullptr;
  }

  /// Loss and reg of the first step's batch with one parameter moved.
  double first_loss(const Place& place, double move) {
    const auto moved = trainer();
    if (double* value = find(moved->model().parameters(), place)) *value += move;
    const StepReport report = moved->step();
    return (report.loss + report.reg) * report.weight;
  }

  std::vector<Place> places(const DenseLayout& layout) const {
    std::vector<Place> some;
    const std::int64_t nodes = share_->layout.all_nodes();
    if (model_spec(GetParam().config).item_bias)
      for (std::int64_t node = share_->layout.all_users(); node < nodes; node += 2)
        some.push_back({Place::Where::kBias, node, 0});
    for (std::int64_t node = 0; node < nodes; node += 3) {
      some.push_back({Place::Where::kLiked, node, node % 10});
      if (layout.size() > 0) some.push_back({Place::Where::kDisliked, node, (node + 4) % 10});
    }
    for (const TensorInfo& tensor : layout.tensors())
      for (std::int64_t r = 0; r < tensor.rows; r += 4)
        some.push_back(
            {Place::Where::kDense, tensor.begin + r * layout.width() + (r * 7 + 3) % 10});
    return some;
  }

  Communicator comm_ = Communicator::world();
  std::unique_ptr<Share> share_ = make_share(comm_, small_ratings(), GetParam().config,
                                             GetParam().partition, GetParam().travel);
};

TEST_P(Gradient, OfTheWholeLossIsItsDerivative) {
  const auto reference = trainer();
  const StepReport report = reference->step();
  const double size = (report.loss + report.reg) * report.weight;
  int nonzero = 0;
  Values gradients = whole_gradients(*reference);
  const std::vector<Place> all = places(reference->model().layout().dense);
  for (const Place& place : all) {
    const double difference =
        (first_loss(place, kDifferenceStep) - first_loss(place, -kDifferenceStep)) /
        (2 * kDifferenceStep);
    nonzero += std::abs(difference) > 1e-6 ? 1 : 0;
    const double* gradient = find(gradients, place);
    if (gradient == nullptr) continue;
    EXPECT_TRUE(is_derivative(*gradient, difference, size))
        << "group " << static_cast<int>(place.where) << " row " << place.row << " column "
        << place.column;
  }
  EXPECT_GT(nonzero, static_cast<int>(all.size()) / 2) << "the test would show little";
}

TEST_P(Gradient, RatingsWithoutTermAreReported) {
  if (GetParam().config.loss == LossKind::kSoftmax) return;  // needs no negatives
  const auto running = trainer();
  std::int64_t trainable = 0;
  for (const Rating& rating : small_ratings().all)
    if (rating.user == 2) trainable += is_trainable(share_->set.trainable, rating.sign) ? 1 : 0;
  std::int64_t without = 0;
  for (std::int64_t step = 1; step <= running->steps_per_epoch(); ++step)
    without += running->step().skipped;
  EXPECT_EQ(without, trainable);
}

void add_softmax_variants(std::vector<Variant>& all) {
  const auto add_softmax = [&](const std::string& name, ModelKind model, const auto& change) {
    all.push_back({"softmax_" + name, small_config()});
    TrainConfig& config = all.back().config;
    config.loss = LossKind::kSoftmax;
    config.model = model;
    config.temperature = 0.7;
    config.batch_users = 9;
    config.reg = 0.03;
    change(all.back());
  };
  add_softmax("siren", ModelKind::kSiren, [](Variant&) {});
  add_softmax("lightgcn", ModelKind::kLightGcn, [](Variant&) {});
  add_softmax("mf", ModelKind::kMatrixFactors, [](Variant&) {});
  add_softmax("users_travel", ModelKind::kLightGcn,
              [](Variant& v) { v.partition = "random", v.travel = Travel::kUsers; });
  add_softmax("first_rank_owns_all", ModelKind::kLightGcn,
              [](Variant& v) { v.partition = "first"; });
  const auto with_dislikes = [](Variant& v) {
    v.config.item_bias = OnOff::kOn;
    v.config.dislike_weight = 0.4;
    v.config.polarity_epochs = 0;  // has no gradient here
  };
  add_softmax("siren_bias_dislikes", ModelKind::kSiren, with_dislikes);
  add_softmax("factored", ModelKind::kFactored, [&](Variant& v) {
    with_dislikes(v);
    v.partition = "random", v.travel = Travel::kUsers;
  });
  const auto with_draws = [&](Variant& v) {
    with_dislikes(v);
    v.config.shared_negatives = 8;
    v.config.exponent = 0.5;
  };
  add_softmax("draws", ModelKind::kFactored, with_draws);
  add_softmax("draws_likes", ModelKind::kLightGcn, [&](Variant& v) {
    with_draws(v);
    v.config.item_bias = OnOff::kOff;
    v.config.dislike_weight = 0.0;
    v.partition = "random", v.travel = Travel::kUsers;
  });
  add_softmax("cosine", ModelKind::kFactored, [&](Variant& v) {
    with_dislikes(v);
    v.config.similarity = Similarity::kCosine;
    v.partition = "random";
  });
  add_softmax("siren_cosine", ModelKind::kSiren,
              [](Variant& v) { v.config.similarity = Similarity::kCosine; });
  add_softmax("layer_weights", ModelKind::kFactored, [&](Variant& v) {
    with_dislikes(v);
    v.config.layer_weights = {0.2, 0.5, 0.0, 0.4};
    v.config.layers = 3;
    v.partition = "random", v.travel = Travel::kUsers;
  });
  add_softmax("all_users", ModelKind::kMatrixFactors,
              [](Variant& v) { v.config.batch_users = 1000; });
}

std::vector<Variant> variants() {
  std::vector<Variant> all = {{"siren", small_config()}};
  const auto add = [&](const std::string& name, const auto& change) {
    all.push_back({name, small_config()});
    change(all.back());
  };
  add("mean", [](Variant& v) { v.config.norm = Normalisation::kMean; });
  add("lightgcn", [](Variant& v) { v.config.model = ModelKind::kLightGcn; });
  add("mf", [](Variant& v) { v.config.model = ModelKind::kMatrixFactors; });
  add("no_attention", [](Variant& v) { v.config.no_attention = true; });
  add("no_reg", [](Variant& v) { v.config.reg = 0.0; });
  add("random_users_travel", [](Variant& v) { v.partition = "random", v.travel = Travel::kUsers; });
  add("first_rank_owns_all", [](Variant& v) { v.partition = "first"; });
  add("whole_epoch", [](Variant& v) { v.config.batch = 100000; });
  add("dislike_pairs", [](Variant& v) { v.config.dislike_pairs = 2; });
  add("dislike_pairs_only", [](Variant& v) {
    v.config.dislike_pairs = v.config.negatives;
    v.partition = "random";
  });
  add("lightgcn_dislike_pairs", [](Variant& v) {
    v.config.model = ModelKind::kLightGcn;
    v.config.dislike_pairs = 2;
  });
  add_softmax_variants(all);
  return all;
}

INSTANTIATE_TEST_SUITE_P(Variants, Gradient, ::testing::ValuesIn(variants()),
                         [](const auto& sample) { return sample.param.name; });

/// Steps that must go well on unusual input; returns the reports.
std::vector<StepReport> steps(const Ratings& ratings, const TrainConfig& config, int count) {
  const Communicator comm = Communicator::world();
  const auto share = make_share(comm, ratings, config);
  Trainer<Fp64> trainer({comm, share->layout, share->set, share->graph}, config, best_isa());
  std::vector<StepReport> reports;
  for (int s = 0; s < count; ++s) reports.push_back(trainer.step());
  return reports;
}

/// A trainer with a non-finite value in a row of a table before the first step.
class NonFinite : public ::testing::Test {
 protected:
  void make_non_finite(Matrix<double>& table, NodeId node) const {
    for (LocalRow row = 0; row < share_->layout.rows(); ++row)
      if (share_->layout.node_of(row) == node) table(row, 3) = std::nan("");
  }
  /// The sentence of the NotFinite that `work` throws on every rank.
  template <class Work>
  static std::string sentence(const Work& work) {
    try {
      work();
    } catch (const NotFinite& error) {
      return error.what();
    }
    return "nothing was thrown";
  }

  Communicator comm_ = Communicator::world();
  std::unique_ptr<Share> share_ = make_share(comm_, small_ratings(), small_config());
  std::unique_ptr<Trainer<Fp64>> trainer_ = std::make_unique<Trainer<Fp64>>(
      TrainingInputs{comm_, share_->layout, share_->set, share_->graph}, small_config(),
      best_isa());
  ParameterSet<double>& parameters_ = trainer_->model().parameters();
};

TEST_F(NonFinite, AParameterIsNamedAtTheStepWhoseLossItMakesNonFinite) {
  trainer_->step();
  make_non_finite(parameters_.tables[kLiked], 30);
  EXPECT_EQ(sentence([&] { trainer_->step(); }),
            "the loss is not finite at step 2 (epoch 1), nor is parameters/liked in the row of "
            "node 30; a smaller --lr usually helps");
}

TEST_F(NonFinite, AReplicatedParameterIsNamedWithItsRow) {
  const DenseLayout& layout = trainer_->model().layout().dense;
  parameters_.dense[layout.weight(0) + 4 * layout.width()] = std::nan("");
  EXPECT_EQ(sentence([&] { trainer_->step(); }),
            "the loss is not finite at step 1 (epoch 1), nor is parameters/mlp.0.weight in row 4; "
            "a smaller --lr usually helps");
}

/// Without layers a row that the batch does not mention changes no loss: only the update meets it.
class NonFiniteUnseen : public NonFinite {
 protected:
  NonFiniteUnseen() {
    TrainConfig config = small_config();
    config.model = ModelKind::kMatrixFactors;
    config.batch = 1;
    config.negatives = 1;
    share_ = make_share(comm_, small_ratings(), config);
    trainer_ = std::make_unique<Trainer<Fp64>>(
        TrainingInputs{comm_, share_->layout, share_->set, share_->graph}, config, best_isa());
    trainer_->step();
    make_non_finite(trainer_->model().parameters().tables[kLiked], kUnseen);
    EXPECT_TRUE(std::isfinite(trainer_->step().loss)) << "the non-finite row was seen";
  }
  static constexpr NodeId kUnseen = 20;
  static constexpr const char* kSentence =
      "parameters/liked is not finite in the row of node 20 at step 2 (epoch 1); a smaller --lr "
      "usually helps";
};

TEST_F(NonFiniteUnseen, TheNextStepNamesTheStepOfTheUpdate) {
  EXPECT_EQ(sentence([&] { trainer_->step(); }), kSentence);
}

TEST_F(NonFiniteUnseen, TheStateIsNotGivenAway) {
  EXPECT_EQ(sentence([&] { trainer_->state(); }), kSentence);
}

TEST_F(NonFiniteUnseen, TheModelIsNotEvaluated) {
  EXPECT_EQ(sentence([&] { trainer_->embed(); }), kSentence);
}

TEST(Trainer, EveryUserMayHaveRatedEverything) {
  Ratings full{6, 4, {}};
  for (UserId user = 0; user < 6; ++user)
    for (ItemId item = 0; item < 4; ++item)
      full.all.push_back({user, item, static_cast<std::int8_t>(item % 2 == 0 ? 1 : -1)});
  for (const StepReport& report : steps(full, small_config(), 3)) {
    EXPECT_EQ(report.loss, 0.0);
    EXPECT_EQ(report.reg, 0.0);
    EXPECT_EQ(report.skipped, report.ratings);
  }
}

TEST(Trainer, OneColumnAndOneRatingAStepWork) {
  TrainConfig config = small_config();
  config.dimension = 1;
  config.batch = 1;
  for (const StepReport& report : steps(small_ratings(), config, 5)) EXPECT_EQ(report.ratings, 1);
}

TEST(Trainer, ReportsEpochsAndTheSmallerLastBatch) {
  const Ratings ratings = small_ratings();
  std::int64_t trainable = 0;
  for (const Rating& rating : ratings.all) trainable += rating.sign != 0 ? 1 : 0;
  TrainConfig config = small_config();
  config.batch = trainable - 1;
  const std::vector<StepReport> reports = steps(ratings, config, 4);
  for (std::size_t s = 0; s < 4; ++s) {
    EXPECT_EQ(reports[s].step, static_cast<std::int64_t>(s) + 1);
    EXPECT_EQ(reports[s].epoch, static_cast<std::int32_t>(s / 2) + 1);
    EXPECT_EQ(reports[s].ratings, s % 2 == 0 ? trainable - 1 : 1);
  }
}

}  // namespace
}  // namespace siren::test
