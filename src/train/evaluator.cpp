// SPDX-License-Identifier: Apache-2.0
#include "siren/train/evaluator.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <numeric>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "siren/core/check.hpp"
#include "siren/core/error.hpp"
#include "siren/core/heartbeat.hpp"
#include "siren/core/timer.hpp"
#include "siren/math/parallel.hpp"

namespace siren {

namespace {

constexpr int kMaxCutoff = 10000;
constexpr std::int64_t kJudgedBlock = 256;  // users whose figures are summed before blocks are

constexpr std::array<std::string_view, 3> kGroupNames = {"<20", "20-49", ">=50"};

std::uint8_t group_of(EdgeOffset train_ratings) {
  if (train_ratings < 20) return 0;
  return train_ratings < 50 ? 1 : 2;
}

std::size_t at(std::int64_t i) {
  return static_cast<std::size_t>(i);
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

Evaluator::Evaluator(const Communicator& comm,
                     const Layout& layout,
                     const TrainingSet& training,
                     HeldOutRatings held_out,
                     const EvaluationOptions& options)
    : comm_(comm),
      options_(options),
      held_out_(std::move(held_out)),
      item_degree_(training.item_degree),
      also_in_train_(comm.all_reduce(held_out_.also_in_train, Reduction::kSum)),
      ranking_(make_ranking(layout, training)),
      sum_(comm, std::ssize(MetricSums(options.cutoffs).raw()) * std::int64_t{kGroups}) {
  for (std::int64_t i = 0; i < ranking_.users(); ++i) {
    const std::int64_t user = ranking_.user(i);
    const auto count = [&](const std::vector<std::uint8_t>& flags) {
      const auto begin = flags.begin() + held_out_.offsets[at(user)];
      const auto end = flags.begin() + held_out_.offsets[at(user) + 1];
      return static_cast<std::int32_t>(end - begin - std::count(begin, end, std::uint8_t{0}));
    };
    group_.push_back(group_of(training.ratings.count(user)));
    relevant_.push_back(count(held_out_.relevant));
    disliked_.push_back(count(held_out_.disliked));
  }
}

/// Users with neither relevant nor disliked held-out items have no figure: they are not ranked.
Ranking Evaluator::make_ranking(const Layout& layout, const TrainingSet& training) {
  SIREN_ASSERT(held_out_.users() == layout.users() && training.ratings.users() == layout.users(),
               "held-out ratings of {}, train ratings of {} of {} users", held_out_.users(),
               training.ratings.users(), layout.users());
  SIREN_ASSERT(!options_.cutoffs.empty() && options_.cutoffs.front() > 0 &&
                   std::is_sorted(options_.cutoffs.begin(), options_.cutoffs.end()),
               "cutoffs {}", fmt::join(options_.cutoffs, ", "));
  std::vector<std::int32_t> held_out(item_degree_.size(), 0);
  for (const ItemId item : held_out_.items) held_out[at(item)] = 1;
  comm_.all_reduce(std::span<std::int32_t>(held_out), Reduction::kMax);

  RankingTask task;
  task.top = options_.cutoffs.back();
  task.roles = item_roles(options_.candidates, item_degree_, held_out);
  task.masked = {training.ratings.offsets, training.ratings.items};
  task.probed = {held_out_.offsets, held_out_.items};
  for (LocalRow user = 0; user < held_out_.users(); ++user)
    for (EdgeOffset e = held_out_.offsets[at(user)]; e < held_out_.offsets[at(user) + 1]; ++e)
      if (held_out_.relevant[at(e)] != 0 || held_out_.disliked[at(e)] != 0) {
        task.users.push_back(user);
        break;
      }
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
  report.also_in_train = also_in_train_;
  report.seconds = comm_.all_reduce(watch.seconds(), Reduction::kMax);
  return report;
}

/// [kGroups] over all ranks. Users are added in blocks, blocks in order, ranks in order: the sums
/// do not depend on threads.
std::vector<MetricSums> Evaluator::sum_metrics() {
  const std::int64_t blocks = (ranking_.users() + kJudgedBlock - 1) / kJudgedBlock;
  std::vector<MetricSums> parts(at(blocks) * kGroups, MetricSums(options_.cutoffs));
  parallel_blocks(ranking_.users(), kJudgedBlock, [&](std::int64_t begin, std::int64_t end) {
    Scratch scratch;
    for (std::int64_t i = begin; i < end; ++i)
      judge_user(i, parts[at(begin / kJudgedBlock) * kGroups + group_[at(i)]], scratch);
  });
  std::vector<MetricSums> groups(kGroups, MetricSums(options_.cutoffs));
  for (std::size_t p = 0; p < parts.size(); ++p) groups[p % kGroups] += parts[p];

  std::vector<double> raw;
  for (MetricSums& group : groups) raw.insert(raw.end(), group.raw().begin(), group.raw().end());
  sum_.start(raw);
  sum_.finish();
  auto from = raw.begin();
  for (MetricSums& group : groups) {
    std::copy_n(from, group.raw().size(), group.raw().begin());
    from += std::ssize(group.raw());
  }
  return groups;
}

void Evaluator::judge_user(std::int64_t i, MetricSums& sums, Scratch& scratch) const {
  const EdgeOffset begin = held_out_.offsets[at(ranking_.user(i))];
  const EdgeOffset end = held_out_.offsets[at(ranking_.user(i)) + 1];
  const auto first = held_out_.items.begin() + begin;
  const auto last = held_out_.items.begin() + end;
  scratch.list.clear();
  for (const ScoredItem& scored : ranking_.top(i)) {
    const auto found = std::lower_bound(first, last, scored.item);
    const bool held = found != last && *found == scored.item;
    const std::size_t e = at(found - held_out_.items.begin());
    scratch.list.push_back(
        {held && held_out_.relevant[e] != 0, held && held_out_.disliked[e] != 0});
  }
  sums.add({scratch.list, relevant_[at(i)], disliked_[at(i)]});
  if (relevant_[at(i)] == 0 || disliked_[at(i)] == 0) return;

  scratch.liked.clear();
  scratch.disliked.clear();
  const std::span<const float> scores = ranking_.probe_scores(i);
  for (EdgeOffset e = begin; e < end; ++e) {
    if (held_out_.relevant[at(e)] != 0) scratch.liked.push_back(scores[at(e - begin)]);
    if (held_out_.disliked[at(e)] != 0) scratch.disliked.push_back(scores[at(e - begin)]);
  }
  sums.add_auc(auc(scratch.liked, scratch.disliked));
}

/// All counts are integers, so no partition shows.
std::vector<Figure> Evaluator::measure_exposure() const {
  const std::vector<int>& cutoffs = options_.cutoffs;
  std::vector<std::int32_t> best_place(item_degree_.size(),
                                       std::numeric_limits<std::int32_t>::max());
  std::vector<std::int64_t> degrees(at(cutoffs.back()), 0);  // by place in the list
  std::vector<std::int64_t> entries(degrees.size(), 0);
  for (std::int64_t i = 0; i < ranking_.users(); ++i) {
    if (relevant_[at(i)] == 0) continue;
    std::int32_t place = 0;
    for (const ScoredItem& scored : ranking_.top(i)) {
      std::int32_t& best = best_place[at(scored.item)];
      best = std::min(best, place);
      degrees[at(place)] += item_degree_[at(scored.item)];
      ++entries[at(place)];
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

}  // namespace siren
