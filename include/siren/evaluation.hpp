// SPDX-License-Identifier: Apache-2.0
// What an evaluation found: the fields of the events `eval` and `final`, and what `siren evaluate`
// prints.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace siren::inline events {

/// Metrics of a ranked list (formulas: ranking/metrics.hpp).
enum class Metric : std::uint8_t {
  kPrecision,
  kRecall,
  kNdcg,
  kHitRate,
  kReciprocalRank,
  kAveragePrecision,
  kDislike,
  kDislikeShare,  // of all lists together
};
inline constexpr std::size_t kMetrics = 8;
inline constexpr std::array<std::string_view, kMetrics> kMetricNames = {
    "P", "R", "nDCG", "HR", "MRR", "MAP", "Dislike", "Dislike share"};

struct Figure {
  std::string name;    // "nDCG@10"
  double value = 0.0;  // NaN (null in JSON) if no user has it

  friend bool operator==(const Figure&, const Figure&) = default;
};

/// Lists in which scores are equal: ids decide who stands before whom, or, at a cutoff, who is in.
struct Ties {
  std::int64_t lists = 0;  // all
  std::int64_t tied = 0;   // with equal scores among their entries and the one that would follow
  std::int64_t at_cutoff = 0;  // of these, with equal scores on either side of a cutoff

  /// Enough of them to be spoken of: more than one in a thousand lists.
  bool notable() const { return tied * 1000 > lists; }
  friend bool operator==(const Ties&, const Ties&) = default;
};

/// One sentence, without its end.
std::string describe(const Ties& ties);

/// Users drawn to stand for all, and how far their figures may be from those of all.
struct UserSample {
  std::int64_t users = 0;      // drawn
  std::int64_t of = 0;         // with something to be evaluated on
  std::vector<Figure> errors;  // standard errors by metric; NaN of what is no mean over users

  friend bool operator==(const UserSample&, const UserSample&) = default;
};

/// With the standard error of nDCG@10.
std::string describe(const UserSample& sample);

/// Users by their number of train ratings of any sign.
struct ActivityGroup {
  std::string name;  // "<20", "20-49", ">=50"
  std::int64_t users = 0;
  std::vector<Figure> metrics;

  friend bool operator==(const ActivityGroup&, const ActivityGroup&) = default;
};

/// The same on every rank.
struct EvaluationReport {
  std::string split;
  std::string mask = "train";        // whose ratings are in no list: "train", "train+valid"
  std::string overlap = "drop";      // what is masked: left out of the ground truth, or kept there
  std::int64_t users = 0;            // with a relevant held-out item
  std::int64_t disliking_users = 0;  // with a disliked one (Dislike@k)
  std::int64_t auc_users = 0;        // with both
  std::vector<int> cutoffs;
  std::vector<Figure> metrics;  // by metric, then cutoff; AUC last
  std::vector<ActivityGroup> groups;
  /// Of the lists of `users`. coverage@k = share of the candidates that are in some top k;
  /// popularity@k = mean train degree of the items in the top k / mean train degree of the
  /// candidates.
  std::vector<Figure> exposure;
  std::int64_t candidates = 0;
  std::int64_t also_in_train = 0;    // held-out pairs that are in no list: training ratings, too
  std::int64_t also_in_valid = 0;    // likewise, if validation ratings are masked
  std::optional<double> lambda;      // of a factored model's scores
  std::optional<UserSample> sample;  // if not all users were ranked
  Ties ties;                         // of the lists of all users with something to be evaluated on
  double seconds = 0.0;              // of the slowest rank

  /// By name, from `metrics`. InputError if there is none of that name (metric_names()).
  double metric(std::string_view name) const;
  /// Likewise; NaN if there is none.
  double metric_or_nan(std::string_view name) const;

  friend bool operator==(const EvaluationReport&, const EvaluationReport&) = default;
};

/// The names of EvaluationReport::metrics, in their order: "P@5", "P@10", ..., "AUC".
std::vector<std::string> metric_names(std::span<const int> cutoffs);

/// {"nDCG@10":x,..}
nlohmann::ordered_json figures_json(const std::vector<Figure>& figures);

/// {"split":..,"users":n,"metrics":{..},"groups":{"<20":{"users":n,"metrics":{..}},..},
/// "exposure":{..},"disliking_users":n,"auc_users":n,"candidates":n,"also_in_train":n,"mask":..,
/// "also_in_valid":n,"overlap":..,"sample":{"users":n,"of":n,"standard_errors":{..}},
/// "ties":{"lists":n,"tied":n,"at_cutoff":n},"seconds":t}
nlohmann::ordered_json to_json(const EvaluationReport& report);
EvaluationReport evaluation_from_json(const nlohmann::ordered_json& json);

/// A table of several lines.
std::string format_report(const EvaluationReport& report);

}  // namespace siren::inline events
