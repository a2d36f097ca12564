// SPDX-License-Identifier: Apache-2.0
// Evaluates embeddings by the held-out ratings: full ranking of the candidates (ranking/ranking.hpp),
// the metrics of ranking/metrics.hpp over all users and by activity, and what the lists have in
// common.
//
//   Evaluator evaluator(comm, layout, training_set, std::move(held_out), options);
//   const EvaluationReport report = evaluator.evaluate({z_users, z_items});   // collective
//   const double ndcg = report.metric("nDCG@10");
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/training_set.hpp"
#include "distributed/layout.hpp"
#include "math/isa.hpp"
#include "ranking/metrics.hpp"
#include "ranking/ranking.hpp"
#include "siren/communicator.hpp"
#include "siren/evaluation.hpp"
#include "siren/named_enum.hpp"

namespace siren::inline ranking {

/// Which of a user's ratings are kept out of its list: those of train, as the literature does it, or
/// also those of validation, which a recommender in use would know when the test part is evaluated.
enum class Mask { kTrain, kTrainAndValid };
constexpr std::array<std::string_view, 2> enum_names(Mask) {
  return {"train", "train+valid"};
}

struct EvaluationOptions {
  std::string split = "test";                  // only a name in the report
  std::vector<int> cutoffs = {5, 10, 15, 20};  // positive, ascending
  Candidates candidates = Candidates::kTrainAndTest;
  Isa isa = best_isa();  // the level agreed by all ranks
  Mask mask = Mask::kTrain;
  Overlap overlap = Overlap::kDrop;
  std::int64_t users = 0;  // a sample of so many stands for all (ranking/user_sample.hpp); 0: all
  std::uint32_t seed = 1;  // of the sample
};

/// "5,10,20" in any order; InputError unless all are numbers between 1 and 10000.
std::vector<int> parse_cutoffs(const std::string& text);

class Evaluator {
 public:
  /// Collective. Borrows training.item_degree, which must outlive the evaluator; `held_out` lists
  /// its users like training.ratings, and so does `valid`, which is looked at if the mask says so.
  Evaluator(const Communicator& comm, const Layout& layout, const TrainingSet& training,
            HeldOutRatings held_out, const EvaluationOptions& options,
            const HeldOutRatings& valid = {});

  /// As Ranking::set_give_up(), for evaluate().
  void set_give_up(std::function<bool()> give_up) { ranking_.set_give_up(std::move(give_up)); }

  /// Collective. The figures depend on the tables only: not on ranks, threads or who owns what.
  EvaluationReport evaluate(const EmbeddingTables& tables);

  /// The lists of the last evaluate(), for this rank's users that have something to be evaluated on.
  const Ranking& ranking() const { return ranking_; }
  const std::string& split() const { return options_.split; }
  /// 0: all users are ranked.
  std::int64_t sampled_users() const {
    return evaluable_users_ > options_.users ? options_.users : 0;
  }

 private:
  static constexpr std::size_t kGroups = 3;
  struct Scratch;

  Ranking make_ranking(const Layout& layout, const TrainingSet& training,
                       const HeldOutRatings& valid);
  std::vector<MetricSums> sum_metrics();
  Ties sum_ties() const;
  std::optional<UserSample> describe_sample(const MetricSums& all) const;
  void evaluate_user(std::int64_t i, MetricSums& sums, Scratch& scratch) const;
  std::vector<Figure> measure_exposure() const;

  Communicator comm_;
  EvaluationOptions options_;
  HeldOutRatings held_out_;
  std::span<const std::int32_t> item_degree_;  // [N]
  std::int64_t candidate_degree_ = 0;          // sum over the candidates
  std::int64_t also_in_train_ = 0;             // over all ranks
  std::int64_t also_in_valid_ = 0;             // over all ranks, if validation is masked
  std::int64_t evaluable_users_ = 0;           // over all ranks, if a sample was asked for
  Ranking ranking_;
  std::vector<std::uint8_t> group_;     // [ranked users] activity group
  std::vector<std::int32_t> relevant_;  // [ranked users] |GT|
  std::vector<std::int32_t> disliked_;  // [ranked users] disliked held-out items
};

}  // namespace siren::inline ranking
