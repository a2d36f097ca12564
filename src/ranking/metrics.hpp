// SPDX-License-Identifier: Apache-2.0
// How good one user's ranked list is, and sums of that over users. Notation: GT = the user's
// relevant held-out items, hits(i) = relevant items among the first i of the list, k = cutoff. With
// `--overlap keep` GT has the masked ones, too, which no list holds.
//
//   P@k        hits(k) / k, also when the list is shorter than k
//   R@k        hits(k) / |GT|
//   nDCG@k     sum over relevant positions i <= k of 1 / log2(i + 1), divided by that sum for a
//   list that begins with min(|GT|, k) relevant items
//   HR@k       1 if hits(k) > 0
//   MRR@k      1 / position of the first relevant item, 0 if that is beyond k
//   MAP@k      sum over relevant positions i <= k of hits(i) / i, divided by min(|GT|, k)
//   Dislike@k  disliked held-out items among the first k, divided by k
//   Dislike share@k  of the held-out items among the first k of all lists together that are relevant
//   or disliked, the share of the disliked ones
//   AUC        share of (liked, disliked) pairs of held-out items whose liked one scores higher;
//   ties 1/2
//
// Dislike@k is a mean over users with a disliked held-out item, AUC over users with both kinds, the
// rest over users with a relevant one. A model that finds more of what users rated shows more of
// both kinds at equal taste: Dislike@k rises with it, Dislike share@k does not.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "siren/evaluation.hpp"

namespace siren::inline ranking {

/// What the held-out ratings say about an item.
struct ListedItem {
  bool relevant = false;
  bool disliked = false;
};

struct EvaluatedList {
  std::span<const ListedItem> items;  // best first
  std::int64_t relevant = 0;          // |GT|, in the list or not
  std::int64_t disliked = 0;          // disliked held-out items, in the list or not
};

/// Metrics that a list has by itself: all but the last.
inline constexpr std::size_t kListMetrics = kMetrics - 1;
static_assert(static_cast<std::size_t>(Metric::kDislikeShare) == kListMetrics);

/// Indexed by Metric. What divides by |GT| is 0 without relevant items.
using MetricValues = std::array<double, kListMetrics>;
MetricValues metrics_at(const EvaluatedList& list, int cutoff);

/// Neither may be empty; both are left sorted. NaN counts as the lowest score.
double auc(std::span<float> liked, std::span<float> disliked);

/// Sums over users, and means from them. Values and their squares are added as whole numbers of
/// 2^-60, so that a sum is the same in whatever order and by however many ranks it is made. Two sums
/// for the same cutoffs can be added; `raw` is one vector of whole numbers to be added across ranks.
class MetricSums {
 public:
  explicit MetricSums(std::span<const int> cutoffs);

  void add(const EvaluatedList& list);
  void add_auc(double value);
  MetricSums& operator+=(const MetricSums& other);

  /// Users with a relevant held-out item, with a disliked one, with both.
  std::int64_t users() const { return raw_[kUsers]; }
  std::int64_t disliking_users() const { return raw_[kDislikingUsers]; }
  std::int64_t auc_users() const { return raw_[kAucUsers]; }

  /// Means over the users that have the figure (kDislikeShare: the share); NaN if there are none.
  double mean(Metric metric, std::size_t cutoff) const;  // by index of the cutoff
  double mean_auc() const { return mean(kAucSum, auc_users()); }

  /// Standard error of such a mean, if its users are drawn from many: sd / sqrt(users). NaN with fewer
  /// than two, and of kDislikeShare, which is no mean.
  double error(Metric metric, std::size_t cutoff) const;
  double error_auc() const { return error(kAucSum, auc_users()); }

  std::span<const int> cutoffs() const { return cutoffs_; }
  std::span<std::int64_t> raw() { return raw_; }

 private:
  /// A sum has two slots: multiples of 2^-30, and of 2^-60 what is left of each value. Neither
  /// overflows before 2^33 users. Those of kDislikeShare count disliked, and relevant or disliked
  /// items. The second half of `raw_` is the same for squares.
  enum Slot : std::size_t {
    kUsers,
    kDislikingUsers,
    kAucUsers,
    kAucSum,
    kFirstMetric = kAucSum + 2
  };
  std::size_t slot(std::size_t metric, std::size_t cutoff) const {
    return kFirstMetric + 2 * (metric * cutoffs_.size() + cutoff);
  }
  void add_to(std::size_t slot, double value);
  double sum(std::size_t slot) const;
  double mean(std::size_t slot, std::int64_t count) const;
  double error(std::size_t slot, std::int64_t count) const;

  std::vector<int> cutoffs_;
  std::vector<std::int64_t> raw_;
};

}  // namespace siren::inline ranking
