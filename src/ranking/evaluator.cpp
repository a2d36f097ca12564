// SPDX-License-Identifier: Apache-2.0
#include "ranking/evaluator.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <numeric>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/heartbeat.hpp"
#include "core/timer.hpp"
#include "math/parallel.hpp"
#include "ranking/user_sample.hpp"
#include "siren/check.hpp"
#include "siren/error.hpp"
#include "siren/ids.hpp"

namespace siren::inline ranking {

namespace {

constexpr int kMaxCutoff = 10000;
constexpr std::int64_t kEvaluatedBlock = 256;  // users whose figures are summed by one thread

constexpr std::array<std::string_view, 3> kGroupNames = {"<20", "20-49", ">=50"};

std::uint8_t group_of(EdgeOffset train_ratings) {
  if (train_ratings < 20) return 0;
  return train_ratings < 50 ? 1 : 2;
}

std::vector<Figure> figures_of(const MetricSums& sums) {
  const std::vector<std::string> names = metric_names(sums.cutoffs());
  std::vector<Figure> figures;
  for (std::size_t m = 0; m < kMetrics; ++m)
    for (std::size_t c = 0; c < sums.cutoffs().size(); ++c)
      figures.push_back({names[figures.size()], sums.mean(static_cast<Metric>(m), c)});
  figures.push_back({names.back(), sums.mean_auc()});
  return figures;
}

double ratio(std::int64_t part, std::int64_t whole) {
  return static_cast<double>(part) / static_cast<double>(whole);
}

/// What is masked can be in no list: pairs that are in validation, too, leave the held-out ones, as
/// those in train have done. Returns their number.
std::int64_t leave_out(const HeldOutRatings& valid, HeldOutRatings& held_out) {
  HeldOutRatings kept;
  kept.also_in_train = held_out.also_in_train;
  kept.relevant_out = held_out.relevant_out;
  for (std::int64_t user = 0; user < held_out.users(); ++user) {
    const auto begin = valid.items.begin() + valid.offsets[as_index(user)];
    const auto end = valid.items.begin() + valid.offsets[as_index(user) + 1];
    for (EdgeOffset e = held_out.offsets[as_index(user)]; e < held_out.offsets[as_index(user) + 1];
         ++e) {
      if (std::binary_search(begin, end, held_out.items[as_index(e)])) {
        if (held_out.relevant[as_index(e)] != 0)
          kept.relevant_out.push_back(static_cast<LocalRow>(user));
        continue;
      }
      kept.items.push_back(held_out.items[as_index(e)]);
      kept.relevant.push_back(held_out.relevant[as_index(e)]);
      kept.disliked.push_back(held_out.disliked[as_index(e)]);
    }
    kept.offsets.push_back(std::ssize(kept.items));
  }
  std::sort(kept.relevant_out.begin(), kept.relevant_out.end());
  std::swap(held_out, kept);
  return std::ssize(kept.items) - std::ssize(held_out.items);
}

}  // namespace

std::vector<int> parse_cutoffs(const std::string& text) {
  std::vector<int> cutoffs;
  const char* const end = text.data() + text.size();
  for (const char* from = text.data(); from <= end; ++from) {
    int cutoff = 0;
    const auto [stop, error] = std::from_chars(from, end, cutoff);
    if (error != std::errc() || (stop != end && *stop != ',') || cutoff < 1 || cutoff > kMaxCutoff)
      throw InputError(
          fmt::format("--cutoffs {}: not a list of numbers between 1 and {}; write, e.g., 5,10,20",
                      text, kMaxCutoff));
    cutoffs.push_back(cutoff);
    from = stop;
  }
  std::sort(cutoffs.begin(), cutoffs.end());
  cutoffs.erase(std::unique(cutoffs.begin(), cutoffs.end()), cutoffs.end());
  return cutoffs;
}

struct Evaluator::Scratch {
  std::vector<ListedItem> list;
  std::vector<float> liked;
  std::vector<float> disliked;
};

Evaluator::Evaluator(const Communicator& comm, const Layout& layout, const TrainingSet& training,
                     HeldOutRatings held_out, const EvaluationOptions& options,
                     const HeldOutRatings& valid)
    : comm_(comm),
      options_(options),
      held_out_(std::move(held_out)),
      item_degree_(training.item_degree),
      also_in_train_(comm.all_reduce(held_out_.also_in_train, Reduction::kSum)),
      ranking_(make_ranking(layout, training, valid)) {
  for (std::int64_t i = 0; i < ranking_.users(); ++i) {
    const std::int64_t user = ranking_.user(i);
    const auto count = [&](const std::vector<std::uint8_t>& flags) {
      const auto begin = flags.begin() + held_out_.offsets[as_index(user)];
      const auto end = flags.begin() + held_out_.offsets[as_index(user) + 1];
      return static_cast<std::int32_t>(end - begin - std::count(begin, end, std::uint8_t{0}));
    };
    group_.push_back(group_of(training.ratings.count(user)));
    const auto [from, to] =
        std::equal_range(held_out_.relevant_out.begin(), held_out_.relevant_out.end(), user);
    relevant_.push_back(count(held_out_.relevant) + static_cast<std::int32_t>(to - from));
    disliked_.push_back(count(held_out_.disliked));
  }
}

/// Users with neither relevant nor disliked held-out items have no figure: they are not ranked. Those
/// whose relevant ones are all masked have one if these are kept.
Ranking Evaluator::make_ranking(const Layout& layout, const TrainingSet& training,
                                const HeldOutRatings& valid) {
  const bool masks_valid = options_.mask == Mask::kTrainAndValid;
  SIREN_ASSERT(held_out_.users() == layout.users() && training.ratings.users() == layout.users(),
               "held-out ratings of {}, train ratings of {} of {} users", held_out_.users(),
               training.ratings.users(), layout.users());
  SIREN_ASSERT(!options_.cutoffs.empty() && options_.cutoffs.front() > 0 &&
                   std::is_sorted(options_.cutoffs.begin(), options_.cutoffs.end()),
               "cutoffs {}", fmt::join(options_.cutoffs, ", "));
  if (masks_valid) also_in_valid_ = comm_.all_reduce(leave_out(valid, held_out_), Reduction::kSum);
  if (options_.overlap == Overlap::kDrop) held_out_.relevant_out.clear();
  std::vector<std::int32_t> held_out(item_degree_.size(), 0);
  for (const ItemId item : held_out_.items) held_out[as_index(item)] = 1;
  comm_.all_reduce(std::span<std::int32_t>(held_out), Reduction::kMax);

  RankingTask task;
  task.top = options_.cutoffs.back();
  task.roles = item_roles(options_.candidates, item_degree_, held_out);
  task.probed = {held_out_.offsets, held_out_.items};
  for (LocalRow user = 0; user < held_out_.users(); ++user) {
    bool rated = std::ranges::binary_search(held_out_.relevant_out, user);
    for (EdgeOffset e = held_out_.offsets[as_index(user)];
         !rated && e < held_out_.offsets[as_index(user) + 1]; ++e)
      rated = held_out_.relevant[as_index(e)] != 0 || held_out_.disliked[as_index(e)] != 0;
    if (rated) task.users.push_back(user);
  }
  if (options_.users > 0)
    evaluable_users_ =
        keep_sample(comm_, options_.seed, options_.users, layout.owned_users(), task.users);
  const ItemLists trained{training.ratings.offsets, training.ratings.items};
  MergedLists masked;
  if (masks_valid)
    masked = merge(std::array{trained, ItemLists{valid.offsets, valid.items}}, task.users,
                   layout.users());
  task.masked = masks_valid ? masked.view() : trained;
  for (std::size_t i = 0; i < task.roles.size(); ++i)
    if (task.roles[i] == ItemRole::kCandidate) candidate_degree_ += item_degree_[i];
  return {comm_, layout, task, options_.isa};
}

EvaluationReport Evaluator::evaluate(const EmbeddingTables& tables) {
  const Activity activity("evaluation");
  const Stopwatch watch;
  ranking_.run(tables);
  const std::vector<MetricSums> by_group = sum_metrics();
  MetricSums all(options_.cutoffs);
  for (const MetricSums& sums : by_group) all += sums;

  EvaluationReport report;
  report.split = options_.split;
  report.users = all.users();
  report.disliking_users = all.disliking_users();
  report.auc_users = all.auc_users();
  report.cutoffs = options_.cutoffs;
  report.metrics = figures_of(all);
  for (std::size_t g = 0; g < kGroups; ++g)
    report.groups.push_back(
        {std::string(kGroupNames[g]), by_group[g].users(), figures_of(by_group[g])});
  report.exposure = measure_exposure();
  report.candidates = ranking_.candidates();
  report.mask = name_of(options_.mask);
  report.overlap = name_of(options_.overlap);
  report.also_in_train = also_in_train_;
  report.also_in_valid = also_in_valid_;
  report.sample = describe_sample(all);
  report.ties = sum_ties();
  if (tables.polarity > 0) report.lambda = tables.lambda;
  report.seconds = comm_.all_reduce(watch.seconds(), Reduction::kMax);
  return report;
}

/// [kGroups] over all ranks. The sums are of whole numbers: nobody's order shows in them.
std::vector<MetricSums> Evaluator::sum_metrics() {
  const std::int64_t blocks = (ranking_.users() + kEvaluatedBlock - 1) / kEvaluatedBlock;
  std::vector<MetricSums> parts(as_index(blocks) * kGroups, MetricSums(options_.cutoffs));
  parallel_blocks(ranking_.users(), kEvaluatedBlock, [&](std::int64_t begin, std::int64_t end) {
    Scratch scratch;
    for (std::int64_t i = begin; i < end; ++i)
      evaluate_user(i, parts[as_index(begin / kEvaluatedBlock) * kGroups + group_[as_index(i)]],
                    scratch);
  });
  std::vector<MetricSums> groups(kGroups, MetricSums(options_.cutoffs));
  for (std::size_t p = 0; p < parts.size(); ++p) groups[p % kGroups] += parts[p];

  for (MetricSums& group : groups) comm_.all_reduce(group.raw(), Reduction::kSum);
  return groups;
}

/// Errors shrink as the sample comes to hold all users.
std::optional<UserSample> Evaluator::describe_sample(const MetricSums& all) const {
  if (sampled_users() == 0) return std::nullopt;
  UserSample sample{sampled_users(), evaluable_users_, {}};
  const double part_left_out = 1.0 - ratio(sample.users, sample.of);
  const auto add = [&](const std::string& name, double error) {
    sample.errors.push_back({name, error * std::sqrt(part_left_out)});
  };
  const std::vector<std::string> names = metric_names(options_.cutoffs);
  for (std::size_t m = 0; m < kMetrics; ++m)
    for (std::size_t c = 0; c < options_.cutoffs.size(); ++c)
      add(names[sample.errors.size()], all.error(static_cast<Metric>(m), c));
  add(names.back(), all.error_auc());
  return sample;
}

Ties Evaluator::sum_ties() const {
  const Ties mine = ranking_.count_ties(options_.cutoffs);
  std::array<std::int64_t, 3> sums = {mine.lists, mine.tied, mine.at_cutoff};
  comm_.all_reduce(std::span<std::int64_t>(sums), Reduction::kSum);
  return {sums[0], sums[1], sums[2]};
}

void Evaluator::evaluate_user(std::int64_t i, MetricSums& sums, Scratch& scratch) const {
  const EdgeOffset begin = held_out_.offsets[as_index(ranking_.user(i))];
  const EdgeOffset end = held_out_.offsets[as_index(ranking_.user(i)) + 1];
  const auto first = held_out_.items.begin() + begin;
  const auto last = held_out_.items.begin() + end;
  scratch.list.clear();
  for (const ScoredItem& scored : ranking_.top(i)) {
    const auto found = std::lower_bound(first, last, scored.item);
    const bool held = found != last && *found == scored.item;
    const std::size_t e = as_index(found - held_out_.items.begin());
    scratch.list.push_back(
        {held && held_out_.relevant[e] != 0, held && held_out_.disliked[e] != 0});
  }
  sums.add({scratch.list, relevant_[as_index(i)], disliked_[as_index(i)]});

  scratch.liked.clear();
  scratch.disliked.clear();
  const std::span<const float> scores = ranking_.probe_scores(i);
  for (EdgeOffset e = begin; e < end; ++e) {
    if (held_out_.relevant[as_index(e)] != 0) scratch.liked.push_back(scores[as_index(e - begin)]);
    if (held_out_.disliked[as_index(e)] != 0)
      scratch.disliked.push_back(scores[as_index(e - begin)]);
  }
  if (scratch.liked.empty() || scratch.disliked.empty()) return;
  sums.add_auc(auc(scratch.liked, scratch.disliked));
}

/// All counts are integers, so no partition shows.
std::vector<Figure> Evaluator::measure_exposure() const {
  const std::vector<int>& cutoffs = options_.cutoffs;
  std::vector<std::int32_t> best_place(item_degree_.size(),
                                       std::numeric_limits<std::int32_t>::max());
  std::vector<std::int64_t> degrees(as_index(cutoffs.back()), 0);  // by place in the list
  std::vector<std::int64_t> entries(degrees.size(), 0);
  for (std::int64_t i = 0; i < ranking_.users(); ++i) {
    if (relevant_[as_index(i)] == 0) continue;
    std::int32_t place = 0;
    for (const ScoredItem& scored : ranking_.top(i)) {
      std::int32_t& best = best_place[as_index(scored.item)];
      best = std::min(best, place);
      degrees[as_index(place)] += item_degree_[as_index(scored.item)];
      ++entries[as_index(place)];
      ++place;
    }
  }
  comm_.all_reduce(std::span<std::int32_t>(best_place), Reduction::kMin);
  comm_.all_reduce(std::span<std::int64_t>(degrees), Reduction::kSum);
  comm_.all_reduce(std::span<std::int64_t>(entries), Reduction::kSum);

  std::vector<Figure> coverage;
  std::vector<Figure> popularity;
  const double usual_degree = ratio(candidate_degree_, ranking_.candidates());
  for (const int cutoff : cutoffs) {
    const auto shown = std::count_if(best_place.begin(), best_place.end(),
                                     [&](std::int32_t place) { return place < cutoff; });
    const auto first_places = [&](const std::vector<std::int64_t>& by_place) {
      return std::accumulate(by_place.begin(), by_place.begin() + cutoff, std::int64_t{0});
    };
    coverage.push_back({fmt::format("coverage@{}", cutoff), ratio(shown, ranking_.candidates())});
    popularity.push_back({fmt::format("popularity@{}", cutoff),
                          ratio(first_places(degrees), first_places(entries)) / usual_degree});
  }
  coverage.insert(coverage.end(), popularity.begin(), popularity.end());
  return coverage;
}

}  // namespace siren::inline ranking
