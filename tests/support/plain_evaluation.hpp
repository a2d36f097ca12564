// SPDX-License-Identifier: Apache-2.0
// The slow twin of ranking/evaluator.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "ranking/evaluator.hpp"
#include "siren/ids.hpp"
#include "support/rating_world.hpp"

namespace siren::test {

/// The figures again, from their definitions: one process, all scores, full sort.
class PlainEvaluation {
 public:
  PlainEvaluation(const RatingWorld& world, const EvaluationOptions& options)
      : world_(world), options_(options), degree_(count(world.train)) {
    const std::vector<int> tested = count(world.held_out);
    for (ItemId i = 0; i < world.items(); ++i)
      if (options.candidates == Candidates::kAll || degree_[as_index(i)] > 0 ||
          (options.candidates == Candidates::kTrainAndTest && tested[as_index(i)] > 0))
        candidates_.push_back(i);
    for (UserId u = 0; u < world.users(); ++u) lists_.push_back(list_of(u));
  }

  std::int64_t candidates() const { return std::ssize(candidates_); }

  /// Mean over users whose train activity lies in [low, high]; `users` counts those with a relevant
  /// item.
  double figure(const std::string& name, int low, int high) const {
    if (name.starts_with("Dislike share@")) return dislike_share(cutoff_of(name), low, high);
    double sum = 0.0;
    int users = 0;
    for (UserId u = 0; u < world_.users(); ++u) {
      const auto activity = static_cast<int>(world_.train[as_index(u)].size());
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
      shown += degree_[as_index(item)];
      entries += 1.0;
    });
    for (const ItemId item : candidates_) all += degree_[as_index(item)];
    return (shown / entries) / (all / static_cast<double>(candidates_.size()));
  }

 private:
  std::vector<int> count(const std::vector<RatingWorld::SignOfItem>& ratings) const {
    std::vector<int> counts(as_index(world_.items()), 0);
    for (const auto& of_user : ratings)
      for (const auto& [item, sign] : of_user) ++counts[as_index(item)];
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
      if (!world_.train[as_index(user)].contains(item)) list.push_back(item);
    std::stable_sort(list.begin(), list.end(),
                     [&](ItemId a, ItemId b) { return score(user, a) > score(user, b); });
    return list;
  }

  std::vector<ItemId> held_out(UserId user, int sign) const {
    std::vector<ItemId> items;
    for (const auto& [item, s] : world_.held_out[as_index(user)])
      if (s == sign) items.push_back(item);
    return items;
  }

  /// The ground truth, by --overlap.
  std::vector<ItemId> relevant(UserId user) const {
    std::vector<ItemId> items = held_out(user, 1);
    if (options_.overlap == Overlap::kKeep)
      for (const auto& [item, sign] : world_.repeated[as_index(user)])
        if (sign > 0) items.push_back(item);
    return items;
  }

  static int cutoff_of(const std::string& name) {
    return std::stoi(name.substr(name.find('@') + 1));
  }

  double dislike_share(int k, int low, int high) const {
    double disliked = 0.0, either = 0.0;
    for (UserId u = 0; u < world_.users(); ++u) {
      const auto activity = static_cast<int>(world_.train[as_index(u)].size());
      if (activity < low || activity > high) continue;
      disliked += hits(u, held_out(u, -1), k);
      either += hits(u, held_out(u, -1), k) + hits(u, held_out(u, 1), k);
    }
    return disliked / either;
  }

  double figure_of(UserId user, const std::string& name) const {
    const std::vector<ItemId> relevant = this->relevant(user);
    const std::vector<ItemId> liked = held_out(user, 1);
    const std::vector<ItemId> disliked = held_out(user, -1);
    if (name == "AUC")
      return liked.empty() || disliked.empty() ? NAN : auc_of(user, liked, disliked);
    const std::string metric = name.substr(0, name.find('@'));
    const int k = cutoff_of(name);
    if (metric == "Dislike") return disliked.empty() ? NAN : hits(user, disliked, k) / k;
    if (relevant.empty()) return NAN;
    const double all = static_cast<double>(relevant.size());
    const double possible = std::min(all, static_cast<double>(k));
    if (metric == "P") return hits(user, relevant, k) / k;
    if (metric == "R") return hits(user, relevant, k) / all;
    if (metric == "HR") return hits(user, relevant, k) > 0 ? 1.0 : 0.0;
    double ideal = 0.0, gain = 0.0, precisions = 0.0, reciprocal = 0.0;
    for (int i = 1; i <= k; ++i) {
      const double here = hits(user, relevant, i) - hits(user, relevant, i - 1);
      if (i <= possible) ideal += 1 / std::log2(i + 1);
      gain += here / std::log2(i + 1);
      precisions += here * hits(user, relevant, i) / i;
      if (here > 0 && reciprocal == 0.0) reciprocal = 1.0 / i;
    }
    if (metric == "nDCG") return gain / ideal;
    if (metric == "MAP") return precisions / possible;
    return metric == "MRR" ? reciprocal : NAN;
  }

  double hits(UserId user, const std::vector<ItemId>& wanted, int k) const {
    int found = 0;
    for (int i = 0; i < std::min(k, static_cast<int>(lists_[as_index(user)].size())); ++i)
      if (std::count(wanted.begin(), wanted.end(), lists_[as_index(user)][as_index(i)]) > 0)
        ++found;
    return found;
  }

  double auc_of(UserId user, const std::vector<ItemId>& liked,
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
      if (!relevant(u).empty())
        for (int i = 0; i < std::min(k, static_cast<int>(lists_[as_index(u)].size())); ++i)
          visit(lists_[as_index(u)][as_index(i)]);
  }

  const RatingWorld& world_;
  EvaluationOptions options_;
  std::vector<int> degree_;
  std::vector<ItemId> candidates_;
  std::vector<std::vector<ItemId>> lists_;
};

}  // namespace siren::test
