// SPDX-License-Identifier: Apache-2.0
#include "ranking/metrics.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "siren/check.hpp"

namespace siren::inline ranking {

namespace {

constexpr std::size_t kTabulated = 1024;
constexpr int kHalfBits = 30;  // of the fraction of a value that is added

/// Weight of a list's i-th item, counting from 0: 1 / log2(i + 2).
double discount(std::int64_t i) {
  static const std::array<double, kTabulated> table = [] {
    std::array<double, kTabulated> values{};
    for (std::size_t at = 0; at < kTabulated; ++at)
      values[at] = 1.0 / std::log2(static_cast<double>(at) + 2.0);
    return values;
  }();
  const auto at = static_cast<std::size_t>(i);
  return at < kTabulated ? table[at] : 1.0 / std::log2(static_cast<double>(i) + 2.0);
}

/// DCG of a list that begins with `count` relevant items.
double ideal_dcg(std::int64_t count) {
  double sum = 0.0;
  for (std::int64_t i = 0; i < count; ++i) sum += discount(i);
  return sum;
}

/// Liked scores against disliked ones, both sorted: pairs in the right order, ties counting 1/2.
double concordant_pairs(std::span<const float> liked, std::span<const float> disliked) {
  std::int64_t halves = 0;
  std::size_t below = 0;
  std::size_t not_above = 0;
  for (const float score : liked) {
    while (below < disliked.size() && disliked[below] < score) ++below;
    while (not_above < disliked.size() && disliked[not_above] <= score) ++not_above;
    halves += static_cast<std::int64_t>(below + not_above);
  }
  return 0.5 * static_cast<double>(halves);
}

void sort_scores(std::span<float> scores) {
  for (float& score : scores)
    if (std::isnan(score)) score = -std::numeric_limits<float>::infinity();
  std::sort(scores.begin(), scores.end());
}

}  // namespace

MetricValues metrics_at(const EvaluatedList& list, int cutoff) {
  SIREN_ASSERT(cutoff > 0, "cutoff {}", cutoff);
  const auto length = std::min(static_cast<std::int64_t>(list.items.size()), std::int64_t{cutoff});
  std::int64_t hits = 0;
  std::int64_t disliked = 0;
  std::int64_t first_hit = -1;
  double dcg = 0.0;
  double precision_sum = 0.0;
  for (std::int64_t i = 0; i < length; ++i) {
    const ListedItem item = list.items[static_cast<std::size_t>(i)];
    if (item.disliked) ++disliked;
    if (!item.relevant) continue;
    if (first_hit < 0) first_hit = i;
    ++hits;
    dcg += discount(i);
    precision_sum += static_cast<double>(hits) / static_cast<double>(i + 1);
  }

  const auto at = [](Metric metric) { return static_cast<std::size_t>(metric); };
  MetricValues values{};
  values[at(Metric::kPrecision)] = static_cast<double>(hits) / cutoff;
  values[at(Metric::kDislike)] = static_cast<double>(disliked) / cutoff;
  if (hits == 0) return values;
  SIREN_ASSERT(hits <= list.relevant, "{} hits of {} relevant items", hits, list.relevant);
  const std::int64_t best_hits = std::min(list.relevant, std::int64_t{cutoff});
  values[at(Metric::kRecall)] = static_cast<double>(hits) / static_cast<double>(list.relevant);
  values[at(Metric::kNdcg)] = dcg / ideal_dcg(best_hits);
  values[at(Metric::kHitRate)] = 1.0;
  values[at(Metric::kReciprocalRank)] = 1.0 / static_cast<double>(first_hit + 1);
  values[at(Metric::kAveragePrecision)] = precision_sum / static_cast<double>(best_hits);
  return values;
}

double auc(std::span<float> liked, std::span<float> disliked) {
  SIREN_ASSERT(!liked.empty() && !disliked.empty(), "{} liked, {} disliked", liked.size(),
               disliked.size());
  sort_scores(liked);
  sort_scores(disliked);
  const double pairs = static_cast<double>(liked.size()) * static_cast<double>(disliked.size());
  return concordant_pairs(liked, disliked) / pairs;
}

MetricSums::MetricSums(std::span<const int> cutoffs)
    : cutoffs_(cutoffs.begin(), cutoffs.end()),
      raw_(2 * (kFirstMetric + 2 * kMetrics * cutoffs.size()), 0) {}

void MetricSums::add(const EvaluatedList& list) {
  if (list.relevant > 0) ++raw_[kUsers];
  if (list.disliked > 0) ++raw_[kDislikingUsers];
  for (std::size_t c = 0; c < cutoffs_.size(); ++c) {
    // without relevant (disliked) items the values are zero and the user does not count in the mean
    const MetricValues values = metrics_at(list, cutoffs_[c]);
    for (std::size_t m = 0; m < kListMetrics; ++m) add_to(slot(m, c), values[m]);
    const auto top =
        list.items.first(std::min(list.items.size(), static_cast<std::size_t>(cutoffs_[c])));
    raw_[slot(kListMetrics, c)] += std::ranges::count_if(top, &ListedItem::disliked);
    raw_[slot(kListMetrics, c) + 1] += std::ranges::count_if(
        top, [](const ListedItem& item) { return item.relevant || item.disliked; });
  }
}

void MetricSums::add_auc(double value) {
  ++raw_[kAucUsers];
  add_to(kAucSum, value);
}

/// Of values of 1/256 and more all bits are kept.
void MetricSums::add_to(std::size_t slot, double value) {
  SIREN_ASSERT(value >= 0.0 && value <= 1.0, "metric {}", value);
  const auto add = [&](std::size_t at, double number) {
    const std::int64_t units = std::llrint(std::ldexp(number, 2 * kHalfBits));
    raw_[at] += units >> kHalfBits;
    raw_[at + 1] += units & ((std::int64_t{1} << kHalfBits) - 1);
  };
  add(slot, value);
  add(raw_.size() / 2 + slot, value * value);
}

double MetricSums::sum(std::size_t slot) const {
  return std::ldexp(static_cast<double>(raw_[slot]), -kHalfBits) +
         std::ldexp(static_cast<double>(raw_[slot + 1]), -2 * kHalfBits);
}

double MetricSums::mean(std::size_t slot, std::int64_t count) const {
  return sum(slot) / static_cast<double>(count);
}

double MetricSums::error(std::size_t slot, std::int64_t count) const {
  if (count < 2) return std::numeric_limits<double>::quiet_NaN();
  const auto users = static_cast<double>(count);
  const double mean = sum(slot) / users;
  const double variance = sum(raw_.size() / 2 + slot) / users - mean * mean;
  return std::sqrt(std::max(variance, 0.0) / (users - 1.0));
}

double MetricSums::error(Metric metric, std::size_t cutoff) const {
  if (metric == Metric::kDislikeShare) return std::numeric_limits<double>::quiet_NaN();
  return error(slot(static_cast<std::size_t>(metric), cutoff),
               metric == Metric::kDislike ? disliking_users() : users());
}

MetricSums& MetricSums::operator+=(const MetricSums& other) {
  SIREN_ASSERT(cutoffs_ == other.cutoffs_, "{} and {} cutoffs", cutoffs_.size(),
               other.cutoffs_.size());
  for (std::size_t i = 0; i < raw_.size(); ++i) raw_[i] += other.raw_[i];
  return *this;
}

double MetricSums::mean(Metric metric, std::size_t cutoff) const {
  const std::size_t at = slot(static_cast<std::size_t>(metric), cutoff);
  if (metric == Metric::kDislikeShare)
    return static_cast<double>(raw_[at]) / static_cast<double>(raw_[at + 1]);
  return mean(at, metric == Metric::kDislike ? disliking_users() : users());
}

}  // namespace siren::inline ranking
