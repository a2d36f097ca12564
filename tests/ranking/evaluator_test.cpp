// SPDX-License-Identifier: Apache-2.0
#include "ranking/evaluator.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "distributed/partition.hpp"
#include "ingest/ratings_loader.hpp"
#include "math/parallel.hpp"
#include "siren/error.hpp"
#include "support/plain_evaluation.hpp"
#include "support/rating_world.hpp"

namespace siren {
namespace {

using test::partitions_of;
using test::PlainEvaluation;
using test::RatingWorld;

class EvaluatorTest : public testing::Test {
 protected:
  EvaluationReport evaluate(const RatingWorld& world, const Partition& partition,
                            const EvaluationOptions& options) const {
    const Layout layout(partition, comm_.rank(), comm_.size(), world.user_table.columns());
    const TrainingSet training = world.training_of(layout);
    const Matrix<float> users = world.users_of(layout);
    const Matrix<float> items = world.items_of(layout);
    Evaluator evaluator(comm_, layout, training, world.held_out_of(layout), options);
    evaluator.evaluate({users, items});
    return evaluator.evaluate({users, items});  // the second time must not remember the first
  }

  /// Whom a sample holds.
  std::set<UserId> drawn_users(const RatingWorld& world, const Partition& partition,
                               const EvaluationOptions& options) const {
    const Layout layout(partition, comm_.rank(), comm_.size(), world.user_table.columns());
    const TrainingSet training = world.training_of(layout);
    const Evaluator evaluator(comm_, layout, training, world.held_out_of(layout), options);
    std::vector<std::int32_t> drawn(static_cast<std::size_t>(world.users()), 0);
    for (std::int64_t i = 0; i < evaluator.ranking().users(); ++i)
      drawn[as_index(layout.owned_users()[as_index(evaluator.ranking().user(i))])] = 1;
    comm_.all_reduce(std::span<std::int32_t>(drawn), Reduction::kMax);
    std::set<UserId> users;
    for (UserId user = 0; user < world.users(); ++user)
      if (drawn[as_index(user)] != 0) users.insert(user);
    return users;
  }

  /// Different orders of summation over at most hundreds of users: 1e-12.
  static void expect_close(double value, double expected, const std::string& name) {
    if (std::isnan(expected)) {
      EXPECT_TRUE(std::isnan(value)) << name << " = " << value;
    } else {
      EXPECT_NEAR(value, expected, 1e-12) << name;
    }
  }

  void expect_plain_figures(const RatingWorld& world, const EvaluationOptions& options) const {
    constexpr int kMany = 1 << 30;
    const PlainEvaluation plain(world, options);
    for (const Partition& partition : partitions_of(world, comm_.size())) {
      const EvaluationReport report = evaluate(world, partition, options);
      EXPECT_EQ(report.candidates, plain.candidates());
      const std::vector<std::string> names = metric_names(options.cutoffs);
      EXPECT_EQ(report.metrics.size(), names.size());
      EXPECT_EQ(report.groups.size(), 3U);
      const std::vector<std::vector<int>> bounds = {{0, 19}, {20, 49}, {50, kMany}};
      for (std::size_t m = 0; m < names.size(); ++m) {
        const std::string& name = names[m];
        EXPECT_EQ(report.metrics.at(m).name, name);
        expect_close(report.metrics[m].value, plain.figure(name, 0, kMany), name);
        for (std::size_t g = 0; g < 3; ++g)
          expect_close(report.groups.at(g).metrics.at(m).value,
                       plain.figure(name, bounds[g][0], bounds[g][1]),
                       name + " of group " + report.groups[g].name);
      }
      for (std::size_t c = 0; c < options.cutoffs.size(); ++c) {
        const int k = options.cutoffs[c];
        const Figure& coverage = report.exposure.at(c);
        const Figure& popularity = report.exposure.at(options.cutoffs.size() + c);
        EXPECT_EQ(coverage.name, fmt::format("coverage@{}", k));
        EXPECT_EQ(popularity.name, fmt::format("popularity@{}", k));
        expect_close(coverage.value, plain.coverage(k), coverage.name);
        expect_close(popularity.value, plain.popularity(k), popularity.name);
      }
    }
  }

  Communicator comm_ = Communicator::world();
};

TEST_F(EvaluatorTest, FiguresEqualTheirDefinitions) {
  for (const Candidates which : {Candidates::kTrainAndTest, Candidates::kTrain, Candidates::kAll})
    expect_plain_figures(RatingWorld({}, 11), {.candidates = which});
}

TEST_F(EvaluatorTest, FiguresEqualTheirDefinitionsWithTies) {
  expect_plain_figures(RatingWorld({.users = 90, .items = 180, .dimension = 5, .ties = true}, 12),
                       {});
}

/// Of many users and of few with much to find, with what train has and without it.
TEST_F(EvaluatorTest, FiguresEqualTheirDefinitionsWithOverlap) {
  for (const RatingWorld::Shape& shape :
       {RatingWorld::Shape{}, RatingWorld::Shape{.users = 20, .items = 15, .dimension = 4}}) {
    RatingWorld world(shape, 21);
    world.repeat_train_ratings();
    for (const Overlap overlap : {Overlap::kDrop, Overlap::kKeep})
      expect_plain_figures(world, {.overlap = overlap});
  }
}

/// Users who like nothing but what train has count with zeros if that is kept; nothing that is no
/// matter of the ground truth moves.
TEST_F(EvaluatorTest, KeptOverlapIsMissed) {
  RatingWorld world({}, 22);
  world.repeat_train_ratings();
  const Partition partition = partitions_of(world, comm_.size())[1];
  const EvaluationReport drop = evaluate(world, partition, {});
  const EvaluationReport keep = evaluate(world, partition, {.overlap = Overlap::kKeep});
  EXPECT_EQ(drop.overlap, "drop");
  EXPECT_EQ(keep.overlap, "keep");
  EXPECT_GT(keep.also_in_train, 0);
  EXPECT_EQ(keep.also_in_train, drop.also_in_train);
  EXPECT_GT(keep.users, drop.users);
  EXPECT_EQ(keep.disliking_users, drop.disliking_users);
  EXPECT_EQ(keep.auc_users, drop.auc_users);
  for (const char* name : {"Dislike@10", "Dislike share@10", "AUC"})
    EXPECT_EQ(keep.metric(name), drop.metric(name)) << name;
  for (const char* name : {"P@10", "R@10", "nDCG@10", "HR@10", "MRR@10", "MAP@10"})
    EXPECT_LT(keep.metric(name), drop.metric(name)) << name;
}

TEST_F(EvaluatorTest, CutoffsBeyondTheCandidates) {
  expect_plain_figures(RatingWorld({.users = 20, .items = 15, .dimension = 4}, 13),
                       {.cutoffs = {1, 7, 100}});
}

TEST_F(EvaluatorTest, CountsUsers) {
  const RatingWorld world({}, 14);
  std::int64_t liking = 0, disliking = 0, both = 0;
  for (const auto& held_out : world.held_out) {
    const auto has = [&](int sign) {
      return std::any_of(held_out.begin(), held_out.end(),
                         [sign](const auto& rating) { return rating.second == sign; });
    };
    liking += has(1) ? 1 : 0;
    disliking += has(-1) ? 1 : 0;
    both += has(1) && has(-1) ? 1 : 0;
  }
  const EvaluationReport report = evaluate(world, partitions_of(world, comm_.size())[0], {});
  EXPECT_EQ(report.users, liking);
  EXPECT_EQ(report.disliking_users, disliking);
  EXPECT_EQ(report.auc_users, both);
  EXPECT_EQ(report.groups[0].users + report.groups[1].users + report.groups[2].users, liking);
  EXPECT_GT(disliking, both);  // user 1 has disliked items only
}

TEST_F(EvaluatorTest, ThreadsDoNotShow) {
  const RatingWorld world({.users = 700, .items = 100, .dimension = 8}, 15);
  const Partition partition = partitions_of(world, comm_.size())[0];
  const int threads_before = omp_get_max_threads();
  std::vector<EvaluationReport> reports;
  for (const int threads : {1, 2}) {
    omp_set_num_threads(threads);
    reports.push_back(evaluate(world, partition, {}));
  }
  omp_set_num_threads(threads_before);
  for (std::size_t m = 0; m < reports[0].metrics.size(); ++m)
    EXPECT_EQ(reports[0].metrics[m].value, reports[1].metrics[m].value)
        << reports[0].metrics[m].name;
}

TEST_F(EvaluatorTest, EveryRankReportsTheSame) {
  const RatingWorld world({}, 16);
  const EvaluationReport mine = evaluate(world, partitions_of(world, comm_.size())[1], {});
  std::string of_root = to_json(mine).dump();
  comm_.broadcast(of_root);
  EXPECT_EQ(to_json(mine).dump(), of_root);
}

/// Whoever owns which users, and so whatever order they are added in: the same bits.
TEST_F(EvaluatorTest, PartitionsDoNotShow) {
  const RatingWorld world({.users = 300, .items = 80, .dimension = 4, .ties = true}, 19);
  std::vector<std::string> texts;
  for (const Partition& partition : partitions_of(world, comm_.size())) {
    EvaluationReport report = evaluate(world, partition, {});
    report.seconds = 0.0;
    texts.push_back(to_json(report).dump());
    EXPECT_GT(report.ties.tied, 0);
    EXPECT_LE(report.ties.lists, world.users());
  }
  EXPECT_EQ(texts[0], texts[1]);
  EXPECT_EQ(texts[0], texts[2]);
}

/// As if the validation ratings had been train ratings, but for the items that may be ranked.
TEST_F(EvaluatorTest, MasksValidationRatingsIfAsked) {
  const RatingWorld world({}, 20);
  for (const Partition& partition : partitions_of(world, comm_.size())) {
    const Layout layout(partition, comm_.rank(), comm_.size(), world.user_table.columns());
    const TrainingSet training = world.training_of(layout);
    const HeldOutRatings held_out = world.held_out_of(layout);
    HeldOutRatings valid;  // every third item that is not in train: some are held out, too
    std::int64_t both = 0;
    for (const UserId user : layout.owned_users()) {
      const auto u = static_cast<std::size_t>(user);
      for (ItemId item = user % 3; item < world.items(); item += 3) {
        if (world.train[u].contains(item)) continue;
        valid.items.push_back(item);
        both += world.held_out[u].contains(item) ? 1 : 0;
      }
      valid.offsets.push_back(std::ssize(valid.items));
    }
    const Matrix<float> users = world.users_of(layout);
    const Matrix<float> items = world.items_of(layout);
    Evaluator evaluator(comm_, layout, training, held_out, {.mask = Mask::kTrainAndValid}, valid);
    const EvaluationReport report = evaluator.evaluate({users, items});
    EXPECT_EQ(report.mask, "train+valid");
    EXPECT_EQ(report.also_in_valid, comm_.all_reduce(both, Reduction::kSum));
    EXPECT_GT(report.also_in_valid, 0);
    const Ranking& ranking = evaluator.ranking();
    for (std::int64_t i = 0; i < ranking.users(); ++i) {
      const UserId user = layout.owned_users()[static_cast<std::size_t>(ranking.user(i))];
      for (const ScoredItem& scored : ranking.top(i))
        EXPECT_TRUE(scored.item % 3 != user % 3) << "user " << user << " item " << scored.item;
    }
    const auto relevant_among_all = [&](Overlap overlap) {
      Evaluator one(comm_, layout, training, held_out,
                    {.mask = Mask::kTrainAndValid, .overlap = overlap}, valid);
      return one.evaluate({users, items}).users;
    };
    EXPECT_GT(relevant_among_all(Overlap::kKeep), relevant_among_all(Overlap::kDrop));
    EXPECT_EQ(relevant_among_all(Overlap::kKeep), evaluate(world, partition, {}).users);
    EXPECT_EQ(evaluate(world, partition, {}).mask, "train");
    EXPECT_EQ(evaluate(world, partition, {}).also_in_valid, 0);
  }
}

/// Whoever owns them, the same users are drawn; the figures are those of a world in which only they
/// have held-out ratings; a smaller sample is part of a larger one.
TEST_F(EvaluatorTest, SamplesUsers) {
  const RatingWorld::Shape shape{.users = 200, .items = 60, .dimension = 4};
  const RatingWorld world(shape, 21);
  std::set<UserId> larger;
  for (const std::int64_t size : {50, 20}) {
    const EvaluationOptions options{.candidates = Candidates::kTrain, .users = size, .seed = 3};
    std::set<UserId> drawn;
    for (const Partition& partition : partitions_of(world, comm_.size())) {
      const std::set<UserId> here = drawn_users(world, partition, options);
      EXPECT_EQ(std::ssize(here), size);
      EXPECT_TRUE(drawn.empty() || here == drawn);
      drawn = here;
      RatingWorld theirs(shape, 21);
      for (UserId user = 0; user < world.users(); ++user)
        if (!drawn.contains(user)) theirs.held_out[static_cast<std::size_t>(user)].clear();
      const PlainEvaluation plain(theirs, options);
      const EvaluationReport report = evaluate(world, partition, options);
      for (const Figure& figure : report.metrics)
        expect_close(figure.value, plain.figure(figure.name, 0, 1 << 30), figure.name);
      ASSERT_TRUE(report.sample);
      EXPECT_EQ(report.sample->users, size);
      EXPECT_EQ(report.sample->of, evaluate(world, partition, {}).ties.lists);
      EXPECT_EQ(report.ties.lists, size);
      const auto told = nlohmann::ordered_json::parse(to_json(report).dump());  // NaN as null
      EXPECT_EQ(evaluation_from_json(told).sample->of, report.sample->of);
    }
    EXPECT_TRUE(larger.empty() || std::ranges::includes(larger, drawn));
    larger = drawn;
    const EvaluationOptions other{.candidates = Candidates::kTrain, .users = size, .seed = 4};
    EXPECT_NE(drawn_users(world, partitions_of(world, comm_.size())[0], other), drawn);
  }
  EXPECT_FALSE(evaluate(world, partitions_of(world, comm_.size())[0], {.users = 200}).sample);
}

/// The standard error tells how far samples are from the figure of all: over many of them the
/// deviation in units of it has a mean square of 1 (sd of that mean: about sqrt(2 / 200) = .1).
TEST_F(EvaluatorTest, StandardErrorsOfSamplesAreRight) {
  comm_ = comm_.split(comm_.rank(), 0);  // figures do not depend on ranks (above): each by itself
  const RatingWorld world({.users = 150, .items = 50, .dimension = 4}, 22);
  const Partition partition = partitions_of(world, comm_.size())[0];
  const double truth = evaluate(world, partition, {}).metric("P@10");
  double squares = 0.0;
  constexpr std::uint32_t kSamples = 200;
  for (std::uint32_t seed = 0; seed < kSamples; ++seed) {
    const EvaluationReport report = evaluate(world, partition, {.users = 60, .seed = seed});
    ASSERT_TRUE(report.sample);
    const auto error = std::ranges::find(report.sample->errors, "P@10", &Figure::name)->value;
    squares += std::pow((report.metric("P@10") - truth) / error, 2);
  }
  EXPECT_NEAR(squares / kSamples, 1.0, 0.3);
}

TEST(MaskNames, AreParsed) {
  for (const Mask mask : {Mask::kTrain, Mask::kTrainAndValid})
    EXPECT_EQ(value_named<Mask>(name_of(mask)), mask);
  EXPECT_FALSE(value_named<Mask>("valid"));
}

TEST_F(EvaluatorTest, NobodyToEvaluate) {
  RatingWorld world({.users = 10, .items = 20, .dimension = 4}, 17);
  for (auto& held_out : world.held_out) held_out.clear();
  const EvaluationReport report = evaluate(world, partitions_of(world, comm_.size())[0], {});
  EXPECT_EQ(report.users, 0);
  EXPECT_TRUE(std::isnan(report.metric("nDCG@10")));
  EXPECT_EQ(report.exposure[0].value, 0.0);
}

TEST_F(EvaluatorTest, AddsUpThePairsLeftOut) {
  const RatingWorld world({.users = 10, .items = 20, .dimension = 4}, 18);
  const Layout layout(partitions_of(world, comm_.size())[0], comm_.rank(), comm_.size(), 4);
  const TrainingSet training = world.training_of(layout);
  HeldOutRatings held_out = world.held_out_of(layout);
  held_out.also_in_train = comm_.rank() + 1;
  Evaluator evaluator(comm_, layout, training, held_out, {});
  const Matrix<float> users = world.users_of(layout);
  const Matrix<float> items = world.items_of(layout);
  EXPECT_EQ(evaluator.evaluate({users, items}).also_in_train,
            comm_.size() * (comm_.size() + 1) / 2);
}

/// What this rank holds of ML-1M when fold 1 is tested, and the popularity baseline as tables.
struct PopularFold {
  PopularFold(const LoadedRatings& loaded, const Layout& layout)
      : users(layout.users(), 1), items(layout.items(), 1) {
    constexpr float kOffset = 3.5F;
    const RatingTable& table = loaded.ratings;
    std::vector<std::map<ItemId, int>> train(static_cast<std::size_t>(loaded.users.size()));
    std::vector<std::map<ItemId, int>> tested(train.size());
    std::vector<bool> owned(train.size(), false);
    for (const UserId user : layout.owned_users()) owned[static_cast<std::size_t>(user)] = true;
    training.item_degree.assign(static_cast<std::size_t>(loaded.items.size()), 0);
    std::vector<float> likes(training.item_degree.size(), 0.0F);
    for (std::size_t r = 0; r < table.user.size(); ++r) {
      const bool test = table.part[r] == 1;
      const auto user = static_cast<std::size_t>(table.user[r]);
      const auto item = static_cast<std::size_t>(table.item[r]);
      const int sign = sign_of(table.value[r], kOffset);
      if (owned[user]) (test ? tested : train)[user][table.item[r]] = sign;
      if (test) continue;
      ++training.item_degree[item];
      if (sign > 0) likes[item] += 1.0F;
    }
    for (const UserId user : layout.owned_users()) {
      for (const auto& [item, sign] : train[static_cast<std::size_t>(user)])
        training.ratings.items.push_back(item);
      training.ratings.offsets.push_back(std::ssize(training.ratings.items));
      for (const auto& [item, sign] : tested[static_cast<std::size_t>(user)]) {
        held_out.items.push_back(item);
        held_out.relevant.push_back(std::uint8_t{sign > 0});
        held_out.disliked.push_back(std::uint8_t{sign < 0});
      }
      held_out.offsets.push_back(std::ssize(held_out.items));
    }
    for (std::int64_t u = 0; u < layout.users(); ++u) users(u, 0) = 1.0F;
    for (std::int64_t i = 0; i < layout.items(); ++i)
      items(i, 0) =
          likes[static_cast<std::size_t>(layout.owned_items()[static_cast<std::size_t>(i)])];
  }

  TrainingSet training;
  HeldOutRatings held_out;
  Matrix<float> users;
  Matrix<float> items;
};

TEST_F(EvaluatorTest, PopularityOnMovieLens1M) {
  const std::string folder = SIREN_SOURCE_DIR "/../shared/data/ml-1m/";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << folder << " is absent";
  std::vector<RatingsSource> folds;
  for (std::uint8_t fold = 1; fold <= 5; ++fold)
    folds.push_back({fmt::format("{}test_1m{}.dat.gz", folder, fold), fold});
  const LoadedRatings loaded = load_ratings(Communicator::alone(), folds, {});
  const std::vector<std::int32_t> user_weight(static_cast<std::size_t>(loaded.users.size()), 1);
  const std::vector<std::int32_t> item_weight(static_cast<std::size_t>(loaded.items.size()), 1);
  const Layout layout(partition_random({user_weight, item_weight, comm_.size(), 1}), comm_.rank(),
                      comm_.size(), 1);
  const PopularFold fold(loaded, layout);
  Evaluator evaluator(comm_, layout, fold.training, fold.held_out, {});
  const EvaluationReport report = evaluator.evaluate({fold.users, fold.items});
  EXPECT_EQ(report.candidates, 3706);
  EXPECT_NEAR(report.metric("nDCG@10"), 0.1768, 5e-5);  // known to four decimals
}

TEST(Cutoffs, AreParsedSortedAndDistinct) {
  EXPECT_EQ(parse_cutoffs("5,10,15,20"), (std::vector<int>{5, 10, 15, 20}));
  EXPECT_EQ(parse_cutoffs("20,1,20"), (std::vector<int>{1, 20}));
  for (const char* const wrong : {"", "5,", ",5", "0", "-1", "10001", "5;10", "5, 10", "x"})
    EXPECT_THROW(parse_cutoffs(wrong), InputError) << wrong;
}

}  // namespace
}  // namespace siren
