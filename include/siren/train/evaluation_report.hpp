// SPDX-License-Identifier: Apache-2.0
// What an evaluation found, for people and for programs.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "siren/train/ranking.hpp"

namespace siren {

struct Figure {
  std::string name;  // "nDCG@10"
  double value;      // NaN (null in JSON) if no user has it
};

/// Users by their number of train ratings of any sign.
struct ActivityGroup {
  std::string name;  // "<20", "20-49", ">=50"
  std::int64_t users = 0;
  std::vector<Figure> metrics;
};

/// The same on every rank.
struct EvaluationReport {
  std::string split;
  std::string mask = "train";        // whose ratings are in no list: "train", "train+valid"
  std::int64_t users = 0;            // with a relevant held-out item
  std::int64_t disliking_users = 0;  // with a disliked one (Dislike@k)
  std::int64_t auc_users = 0;        // with both
  std::vector<int> cutoffs;
  std::vector<Figure> metrics;  // by metric (train/metrics.hpp), then cutoff; AUC last
  std::vector<ActivityGroup> groups;
  /// Of the lists of `users`. coverage@k = share of the candidates that are in some top k;
  /// popularity@k = mean train degree of the items in the top k / mean train degree of the
  /// candidates.
  std::vector<Figure> exposure;
  std::int64_t candidates = 0;
  std::int64_t also_in_train = 0;  // held-out pairs left out because they are training ratings, too
  std::int64_t also_in_valid = 0;  // likewise, if validation ratings are masked
  Ties ties;                       // of the lists of all users with something to be judged by
  double seconds = 0.0;            // of the slowest rank

  /// By name, from `metrics`. InputError if there is none of that name (metric_names()).
  double metric(std::string_view name) const;
};

/// The names of EvaluationReport::metrics, in their order: "P@5", "P@10", ..., "AUC".
std::vector<std::string> metric_names(std::span<const int> cutoffs);

/// {"split":..,"users":n,"metrics":{..},"groups":{"<20":{"users":n,"metrics":{..}},..},
/// "exposure":{..},"disliking_users":n,"auc_users":n,"candidates":n,"also_in_train":n,"mask":..,
/// "also_in_valid":n,"ties":{"lists":n,"tied":n,"at_cutoff":n},"seconds":t}
nlohmann::ordered_json to_json(const EvaluationReport& report);

/// A table of several lines.
std::string format_report(const EvaluationReport& report);

}  // namespace siren
