// SPDX-License-Identifier: Apache-2.0
#include "siren/train/evaluator.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "siren/core/error.hpp"
#include "siren/math/parallel.hpp"

#include "support/rating_world.hpp"

namespace siren {
namespace {

using testing_support::partitions_of;
using testing_support::RatingWorld;

/// The figures again, from their definitions: one process, all scores, full sort.
class PlainEvaluation {
 public:
  PlainEvaluation(const RatingWorld& world, const EvaluationOptions& options)
      : world_(world), options_(options), degree_(count(world.train)) {
    const std::vector<int> tested = count(world.held_out);
    for (ItemId i = 0; i < world.items(); ++i)
      if (options.candidates == Candidates::kAll || degree_[at(i)] > 0 ||
          (options.candidates == Candidates::kTrainAndTest && tested[at(i)] > 0))
        candidates_.push_back(i);
    for (UserId u = 0; u < world.users(); ++u) lists_.push_back(list_of(u));
  }

  std::int64_t candidates() const { return std::ssize(candidates_); }

  /// Mean over users whose train activity lies in [low, high]; `users` counts those with a relevant
  /// item.
  double figure(const std::string& name, int low, int high) const {
    double sum = 0.0;
    int users = 0;
    for (UserId u = 0; u < world_.users(); ++u) {
      const auto activity = static_cast<int>(world_.train[at(u)].size());
      const double value = figure_of(u, name);
      if (activity < low || activity > high || std::isnan(value)) continue;
      sum += value;
      ++users;
    }
    return sum / users;
  }

  double coverage(int k) const {
    std::set<ItemId> shown;
    for_top(k, [&](ItemId item) { shown.insert(item); });
    return static_cast<double>(shown.size()) / static_cast<double>(candidates_.size());
  }

  double popularity(int k) const {
    double shown = 0.0, entries = 0.0, all = 0.0;
    for_top(k, [&](ItemId item) {
      shown += degree_[at(item)];
      entries += 1.0;
    });
    for (const ItemId item : candidates_) all += degree_[at(item)];
    return (shown / entries) / (all / static_cast<double>(candidates_.size()));
  }

 private:
  static std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

  std::vector<int> count(const std::vector<RatingWorld::SignOfItem>& ratings) const {
    std::vector<int> counts(at(world_.items()), 0);
    for (const auto& of_user : ratings)
      for (const auto& [item, sign] : of_user) ++counts[at(item)];
    return counts;
  }

  /// Small integers or well separated random numbers: rounding never decides the order.
  double score(UserId user, ItemId item) const {
    double sum = 0.0;
    for (std::int64_t k = 0; k < world_.user_table.columns(); ++k)
      sum += static_cast<double>(world_.user_table(user, k)) * world_.item_table(item, k);
    return sum;
  }

  std::vector<ItemId> list_of(UserId user) const {
    std::vector<ItemId> list;
    for (const ItemId item : candidates_)
      if (!world_.train[at(user)].contains(item)) list.push_back(item);
    std::stable_sort(list.begin(), list.end(),
                     [&](ItemId a, ItemId b) { return score(user, a) > score(user, b); });
    return list;
  }

  std::vector<ItemId> held_out(UserId user, int sign) const {
    std::vector<ItemId> items;
    for (const auto& [item, s] : world_.held_out[at(user)])
      if (s == sign) items.push_back(item);
    return items;
  }

  double figure_of(UserId user, const std::string& name) const {
    const std::vector<ItemId> liked = held_out(user, 1);
    const std::vector<ItemId> disliked = held_out(user, -1);
    if (name == "AUC")
      return liked.empty() || disliked.empty() ? NAN : auc_of(user, liked, disliked);
    const std::string metric = name.substr(0, name.find('@'));
    const int k = std::stoi(name.substr(name.find('@') + 1));
    if (metric == "Dislike") return disliked.empty() ? NAN : hits(user, disliked, k) / k;
    if (liked.empty()) return NAN;
    const double all = static_cast<double>(liked.size());
    const double possible = std::min(all, static_cast<double>(k));
    if (metric == "P") return hits(user, liked, k) / k;
    if (metric == "R") return hits(user, liked, k) / all;
    if (metric == "HR") return hits(user, liked, k) > 0 ? 1.0 : 0.0;
    double ideal = 0.0, gain = 0.0, precisions = 0.0, reciprocal = 0.0;
    for (int i = 1; i <= k; ++i) {
      const double here = hits(user, liked, i) - hits(user, liked, i - 1);
      if (i <= possible) ideal += 1 / std::log2(i + 1);
      gain += here / std::log2(i + 1);
      precisions += here * hits(user, liked, i) / i;
      if (here > 0 && reciprocal == 0.0) reciprocal = 1.0 / i;
    }
    if (metric == "nDCG") return gain / ideal;
    if (metric == "MAP") return precisions / possible;
    EXPECT_EQ(metric, "MRR");
    return reciprocal;
  }

  double hits(UserId user, const std::vector<ItemId>& wanted, int k) const {
    int found = 0;
    for (int i = 0; i < std::min(k, static_cast<int>(lists_[at(user)].size())); ++i)
      if (std::count(wanted.begin(), wanted.end(), lists_[at(user)][at(i)]) > 0) ++found;
    return found;
  }

  double auc_of(UserId user,
                const std::vector<ItemId>& liked,
                const std::vector<ItemId>& disliked) const {
    double sum = 0.0;
    for (const ItemId a : liked)
      for (const ItemId b : disliked)
        sum += score(user, a) > score(user, b) ? 1.0 : score(user, a) == score(user, b) ? 0.5 : 0.0;
    return sum / static_cast<double>(liked.size() * disliked.size());
  }

  template <class Visit>
  void for_top(int k, const Visit& visit) const {
    for (UserId u = 0; u < world_.users(); ++u)
      if (!held_out(u, 1).empty())
        for (int i = 0; i < std::min(k, static_cast<int>(lists_[at(u)].size())); ++i)
          visit(lists_[at(u)][at(i)]);
  }

  const RatingWorld& world_;
  EvaluationOptions options_;
  std::vector<int> degree_;
  std::vector<ItemId> candidates_;
  std::vector<std::vector<ItemId>> lists_;
};

class EvaluatorTest : public testing::Test {
 protected:
  EvaluationReport evaluate(const RatingWorld& world,
                            const Partition& partition,
                            const EvaluationOptions& options) const {
    const Layout layout(partition, comm_.rank(), comm_.size(), world.user_table.columns());
    const TrainingSet training = world.training_of(layout);
    const Matrix<float> users = world.users_of(layout);
    const Matrix<float> items = world.items_of(layout);
    Evaluator evaluator(comm_, layout, training, world.held_out_of(layout), options);
    evaluator.evaluate({users, items});
    return evaluator.evaluate({users, items});  // the second time must not remember the first
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
      ASSERT_EQ(report.metrics.size(), metric_names(options.cutoffs).size());
      ASSERT_EQ(report.groups.size(), 3U);
      const std::vector<std::vector<int>> bounds = {{0, 19}, {20, 49}, {50, kMany}};
      for (std::size_t m = 0; m < report.metrics.size(); ++m) {
        const std::string name = metric_names(options.cutoffs)[m];
        EXPECT_EQ(report.metrics[m].name, name);
        expect_close(report.metrics[m].value, plain.figure(name, 0, kMany), name);
        for (std::size_t g = 0; g < 3; ++g)
          expect_close(report.groups[g].metrics[m].value,
                       plain.figure(name, bounds[g][0], bounds[g][1]),
                       name + " of group " + report.groups[g].name);
      }
      for (std::size_t c = 0; c < options.cutoffs.size(); ++c) {
        const int k = options.cutoffs[c];
        const Figure& coverage = report.exposure[c];
        const Figure& popularity = report.exposure[options.cutoffs.size() + c];
        EXPECT_EQ(coverage.name, fmt::format("coverage@{}", k));
        EXPECT_EQ(popularity.name, fmt::format("popularity@{}", k));
        expect_close(coverage.value, plain.coverage(k), coverage.name);
        expect_close(popularity.value, plain.popularity(k), popularity.name);
      }
    }
  }

  const Communicator comm_ = Communicator::world();
};

TEST_F(EvaluatorTest, FiguresEqualTheirDefinitions) {
  for (const Candidates which : {Candidates::kTrainAndTest, Candidates::kTrain, Candidates::kAll})
    expect_plain_figures(RatingWorld({}, 11), {.candidates = which});
}

TEST_F(EvaluatorTest, FiguresEqualTheirDefinitionsWithTies) {
  expect_plain_figures(RatingWorld({.users = 90, .items = 180, .dimension = 5, .ties = true}, 12),
                       {});
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

TEST_F(EvaluatorTest, NobodyToJudge) {
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

TEST(Cutoffs, AreParsedSortedAndDistinct) {
  EXPECT_EQ(parse_cutoffs("5,10,15,20"), (std::vector<int>{5, 10, 15, 20}));
  EXPECT_EQ(parse_cutoffs("20,1,20"), (std::vector<int>{1, 20}));
  for (const char* const wrong : {"", "5,", ",5", "0", "-1", "10001", "5;10", "5, 10", "x"})
    EXPECT_THROW(parse_cutoffs(wrong), InputError) << wrong;
}

}  // namespace
}  // namespace siren
