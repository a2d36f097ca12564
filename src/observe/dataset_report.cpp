// SPDX-License-Identifier: Apache-2.0
#include "observe/dataset_report.hpp"

#include <algorithm>
#include <array>
#include <bit>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/text.hpp"

namespace siren::inline observe {

namespace {

using Json = nlohmann::ordered_json;
using DegreeCounts = std::array<std::int64_t, kDegreeBins>;

constexpr std::int64_t kUsersAtOnce = std::int64_t{1} << 16;
constexpr EdgeOffset kRatingsAtOnce = EdgeOffset{1} << 22;

std::size_t bin_of(EdgeOffset degree) {
  return static_cast<std::size_t>(std::bit_width(static_cast<std::uint64_t>(degree)));
}

/// Degrees from `first` to `last` are counted in `bin`.
std::string name_of_bin(std::size_t bin) {
  if (bin < 2) return fmt::format("{}", bin);
  const std::int64_t first = std::int64_t{1} << (bin - 1);
  return fmt::format("{} to {}", grouped(first), grouped(first + (first - 1)));
}

/// Goes through the ratings in user-major order.
class RatingPass {
 public:
  RatingPass(const DatasetFile& data, DatasetDetails& details)
      : data_(data),
        details_(details),
        item_degree_(static_cast<std::size_t>(data.summary().items), 0) {}

  void run() {
    const std::int64_t users = data_.summary().users;
    for (std::int64_t begin = 0; begin < users; begin += kUsersAtOnce) {
      const auto at = data_.user_offsets(begin, std::min(begin + kUsersAtOnce, users));
      for (std::size_t k = 0; k + 1 < at.size(); ++k) user(at[k], at[k + 1]);
    }
    for (const EdgeOffset degree : item_degree_) ++details_.items_by_degree[bin_of(degree)];
  }

 private:
  void user(EdgeOffset begin, EdgeOffset end) {
    ++details_.users_by_degree[bin_of(end - begin)];
    bool likes = false;
    bool dislikes = false;
    ItemId previous = -1;
    for (EdgeOffset at = begin; at < end; ++at) {
      if (at >= slab_end_) refill(at);
      const auto row = static_cast<std::size_t>(at - slab_begin_);
      likes = likes || slab_.value[row] > data_.summary().offset;
      dislikes = dislikes || slab_.value[row] < data_.summary().offset;
      const bool again = slab_.item[row] == previous;
      details_.repeated_pairs += again && !counted_ ? 1 : 0;
      counted_ = again;
      previous = slab_.item[row];
      ++item_degree_[static_cast<std::size_t>(previous)];
    }
    details_.users_only_liking += likes && !dislikes ? 1 : 0;
    details_.users_only_disliking += dislikes && !likes ? 1 : 0;
  }

  void refill(EdgeOffset at) {
    slab_begin_ = at;
    slab_end_ = std::min(at + kRatingsAtOnce, data_.summary().ratings);
    slab_ = data_.ratings(slab_begin_, slab_end_);
  }

  const DatasetFile& data_;
  DatasetDetails& details_;
  std::vector<EdgeOffset> item_degree_;
  RatingSlab slab_;
  EdgeOffset slab_begin_ = 0;
  EdgeOffset slab_end_ = 0;
  bool counted_ = false;  // the present pair, as repeated
};

struct Bar {
  std::string name;
  std::int64_t count;
};

std::string draw(const std::string& title, const std::vector<Bar>& bars) {
  constexpr std::size_t kColumns = 40;
  std::size_t width = 0;
  std::int64_t most = 1;
  std::int64_t total = 0;
  for (const Bar& bar : bars) {
    width = std::max(width, bar.name.size());
    most = std::max(most, bar.count);
    total += bar.count;
  }
  std::string text;
  for (const Bar& bar : bars) {
    const double share = static_cast<double>(bar.count) / static_cast<double>(total);
    const auto length = static_cast<std::size_t>(static_cast<double>(bar.count) /
                                                 static_cast<double>(most) * kColumns);
    text +=
        fmt::format("{:<11}{:>{}}  {:>13} {:>5.1f} %  {}\n", text.empty() ? title : "", bar.name,
                    width, grouped(bar.count), 100.0 * share, std::string(length, '#'));
  }
  return text;
}

/// Few enough bars for a screen: as stored, or gathered into ranges of equal width.
std::vector<Bar> rating_bars(const DatasetStatistics& statistics) {
  constexpr std::size_t kMostBars = 12;
  constexpr std::size_t kRanges = 10;
  std::vector<Bar> bars;
  if (statistics.histogram.size() <= kMostBars) {
    for (const ValueCount& entry : statistics.histogram)
      bars.push_back({fmt::format("{}", entry.value), entry.count});
    return bars;
  }
  const double low = statistics.min_value;
  const double width = (static_cast<double>(statistics.max_value) - low) / kRanges;
  for (std::size_t k = 0; k < kRanges; ++k)
    bars.push_back({fmt::format("from {:.4g}", low + static_cast<double>(k) * width), 0});
  for (const ValueCount& entry : statistics.histogram) {
    const double place = (static_cast<double>(entry.value) - low) / width;
    bars[static_cast<std::size_t>(std::clamp(place, 0.0, kRanges - 1.0))].count += entry.count;
  }
  return bars;
}

std::vector<Bar> degree_bars(const DegreeCounts& counts) {
  std::size_t end = counts.size();
  while (end > 0 && counts[end - 1] == 0) --end;
  std::vector<Bar> bars;
  for (std::size_t bin = 0; bin < end; ++bin)
    if (counts[bin] > 0 || !bars.empty()) bars.push_back({name_of_bin(bin), counts[bin]});
  return bars;
}

Json bars_json(const std::vector<Bar>& bars) {
  Json result = Json::array();
  for (const Bar& bar : bars) result.push_back({{"degree", bar.name}, {"count", bar.count}});
  return result;
}

/// "3 (fold 1), 12 (fold 2)": where `count` of a fold is not zero; empty if it is zero everywhere.
std::string by_fold(const DatasetSummary& summary, std::int64_t FoldOverlap::*count) {
  std::string text;
  const std::vector<FoldOverlap>& folds = summary.statistics.by_fold;
  for (std::size_t fold = 0; fold < folds.size(); ++fold) {
    if (folds[fold].*count == 0) continue;
    text += fmt::format("{}{}", text.empty() ? "" : ", ", grouped(folds[fold].*count));
    if (folds.size() > 1) text += fmt::format(" (fold {})", fold + 1);
  }
  return text;
}

}  // namespace

DatasetDetails look_into(const DatasetFile& data) {
  DatasetDetails details;
  RatingPass(data, details).run();
  return details;
}

std::vector<std::string> dataset_warnings(const DatasetSummary& summary,
                                          const DatasetDetails& details) {
  std::vector<std::string> warnings;
  const auto add = [&](const std::string& counts, const char* rest) {
    if (!counts.empty()) warnings.push_back(counts + rest);
  };
  add(by_fold(summary, &FoldOverlap::pairs_in_both),
      " pairs are in train and in test: a leak; evaluation leaves them out");
  if (details.repeated_pairs > 0)
    add(grouped(details.repeated_pairs),
        " pairs are rated more than once, in different parts: duplicates of the input");
  add(by_fold(summary, &FoldOverlap::test_users_unseen),
      " test users have no train rating: nothing is known of their taste");
  add(by_fold(summary, &FoldOverlap::test_items_unseen),
      " test items have no train rating: no model can learn where they belong");
  const SignCounts all = summary.statistics.all();
  if (all.disliked == 0)
    add(fmt::format("no rating is below {}", summary.offset),
        ": there is nothing to learn from dislikes; another --offset?");
  if (all.liked == 0)
    add(fmt::format("no rating is above {}", summary.offset),
        ": there is nothing to learn; another --offset?");
  return warnings;
}

std::string describe_details(const DatasetSummary& summary, const DatasetDetails& details) {
  std::string text = draw("ratings", rating_bars(summary.statistics));
  text += draw("users with", degree_bars(details.users_by_degree));
  text += draw("items with", degree_bars(details.items_by_degree));
  text += fmt::format(
      "{:<11}{} users only like, {} only dislike, {} do both or neither\n", "balance",
      grouped(details.users_only_liking), grouped(details.users_only_disliking),
      grouped(summary.users - details.users_only_liking - details.users_only_disliking));
  const std::vector<std::string> warnings = dataset_warnings(summary, details);
  for (const std::string& warning : warnings) text += fmt::format("{:<11}{}\n", "warning", warning);
  if (warnings.empty()) text += fmt::format("{:<11}none\n", "warnings");
  return text;
}

Json details_as_json(const DatasetSummary& summary, const DatasetDetails& details) {
  return {{"users_by_degree", bars_json(degree_bars(details.users_by_degree))},
          {"items_by_degree", bars_json(degree_bars(details.items_by_degree))},
          {"users_only_liking", details.users_only_liking},
          {"users_only_disliking", details.users_only_disliking},
          {"repeated_pairs", details.repeated_pairs},
          {"warnings", dataset_warnings(summary, details)}};
}

namespace {

using Json = nlohmann::ordered_json;

constexpr std::array kPartNames = {"train", "valid", "test"};
constexpr std::array kDegreeNames = {"min", "p25", "p50", "p75", "p90", "p99", "max"};

std::string signs(const SignCounts& counts) {
  const double total = std::max<double>(1.0, static_cast<double>(counts.total()));
  return fmt::format("{} = {} liked + {} disliked + {} neither ({:.1f} % liked)",
                     grouped(counts.total()), grouped(counts.liked), grouped(counts.disliked),
                     grouped(counts.neither), 100.0 * static_cast<double>(counts.liked) / total);
}

std::string overlap_notes(const FoldOverlap& overlap) {
  return fmt::format(
      "{} test users ({} unseen in train), {} test items ({} unseen), {} pairs in both",
      grouped(overlap.test_users), grouped(overlap.test_users_unseen), grouped(overlap.test_items),
      grouped(overlap.test_items_unseen), grouped(overlap.pairs_in_both));
}

std::string describe_folds(const DatasetSummary& summary) {
  std::string text;
  for (std::int32_t fold = 1; fold <= summary.split.folds; ++fold) {
    text += fmt::format("fold {:<6}train {}\n", fold,
                        signs(summary.statistics.train_of(summary.split, fold)));
    text +=
        fmt::format("{:11}test  {}\n", "", signs(summary.statistics.test_of(summary.split, fold)));
    text +=
        fmt::format("{:11}{}\n", "",
                    overlap_notes(summary.statistics.by_fold[static_cast<std::size_t>(fold) - 1]));
  }
  return text;
}

std::string describe_parts(const DatasetSummary& summary) {
  const std::vector<SignCounts>& by_part = summary.statistics.by_part;
  std::string text;
  for (const std::uint8_t part : {kTrainPart, kValidPart})
    text += fmt::format("{:<11}{}\n", kPartNames[part], signs(by_part[part]));
  if (by_part[kTestPart].total() == 0)
    return text + fmt::format("{:<11}none: for a final model, which is not evaluated\n",
                              kPartNames[kTestPart]);
  text += fmt::format("{:<11}{}\n", kPartNames[kTestPart], signs(by_part[kTestPart]));
  return text + fmt::format("{:11}{}\n", "", overlap_notes(summary.statistics.by_fold.front()));
}

std::string describe_degrees(const char* name, const DegreeQuantiles& degree) {
  std::string text = fmt::format("{:<11}", name);
  for (std::size_t q = 0; q < degree.size(); ++q)
    text += fmt::format("{} {}  ", kDegreeNames[q], grouped(degree[q]));
  return text + "\n";
}

std::string describe_values(const DatasetStatistics& statistics) {
  constexpr std::size_t kMostShown = 12;
  std::string text =
      fmt::format("{:<11}{} to {}", "values", statistics.min_value, statistics.max_value);
  if (!statistics.exact_histogram || statistics.histogram.size() > kMostShown) return text + "\n";
  text += ":";
  for (const ValueCount& entry : statistics.histogram)
    text += fmt::format("  {} x {}", entry.value, grouped(entry.count));
  return text + "\n";
}

Json signs_json(const SignCounts& counts) {
  return {{"ratings", counts.total()},
          {"liked", counts.liked},
          {"disliked", counts.disliked},
          {"neither", counts.neither}};
}

Json degrees_json(const DegreeQuantiles& degree) {
  Json result;
  for (std::size_t q = 0; q < degree.size(); ++q) result[kDegreeNames[q]] = degree[q];
  return result;
}

Json fold_json(const DatasetSummary& summary, std::int32_t fold) {
  const FoldOverlap& overlap = summary.statistics.by_fold[static_cast<std::size_t>(fold) - 1];
  Json result{{"fold", fold},
              {"train", signs_json(summary.statistics.train_of(summary.split, fold))}};
  if (summary.split.kind == SplitKind::kParts)
    result["valid"] = signs_json(summary.statistics.by_part[kValidPart]);
  result["test"] = signs_json(summary.statistics.test_of(summary.split, fold));
  result["test_users"] = overlap.test_users;
  result["test_items"] = overlap.test_items;
  result["test_users_unseen_in_train"] = overlap.test_users_unseen;
  result["test_items_unseen_in_train"] = overlap.test_items_unseen;
  result["pairs_in_train_and_test"] = overlap.pairs_in_both;
  return result;
}

}  // namespace

std::string describe_dataset(const DatasetSummary& summary) {
  const DatasetStatistics& statistics = summary.statistics;
  const double cells = static_cast<double>(summary.users) * static_cast<double>(summary.items);
  std::string text =
      fmt::format("{:<11}{} users, {} items, {} ratings (density {:.3g} %)\n", "size",
                  grouped(summary.users), grouped(summary.items), grouped(summary.ratings),
                  100.0 * static_cast<double>(summary.ratings) / cells);
  text += describe_values(statistics);
  text +=
      fmt::format("{:<11}{}\n", fmt::format("at {}", statistics.offset), signs(statistics.all()));
  text += fmt::format(
      "{:<11}{}, {}, seed {}{}\n", "split", printable(summary.split_method),
      summary.split.kind == SplitKind::kFolds ? fmt::format("{} folds", summary.split.folds)
                                              : "train/valid/test",
      summary.split.seed,
      summary.split.valid_share > 0.0
          ? fmt::format(", {} of each train part validates", summary.split.valid_share)
          : "");
  text +=
      summary.split.kind == SplitKind::kFolds ? describe_folds(summary) : describe_parts(summary);
  text += describe_degrees("per user", statistics.user_degree);
  text += describe_degrees("per item", statistics.item_degree);
  return text;
}

/// How often chance ordered equal times where the order decides.
std::string describe_ties(const SplitReport& report, SplitMethod method) {
  if (!report.per_user)
    return fmt::format("the cut before the {} part falls between ratings of the same time",
                       report.tied_test == 0   ? "validation"
                       : report.tied_valid > 0 ? "test and the validation"
                                               : "test");
  if (method == SplitMethod::kLeaveOneOut)
    return fmt::format("{} users' last rating is tied in time, {} users' validation rating",
                       grouped(report.tied_test), grouped(report.tied_valid));
  return fmt::format(
      "{} users' cut before the test part falls between ratings of the same time, {} users' before "
      "the validation part",
      grouped(report.tied_test), grouped(report.tied_valid));
}

std::string describe_order(const PreparedDataset& data) {
  const SplitReport& report = data.split_report;
  if (!report.order) return {};
  constexpr std::array<const char*, 3> kOrders = {"time", "place in the files", "chance"};
  std::string text = fmt::format("{:<11}{} by {}\n", "order",
                                 report.per_user ? "each user's ratings" : "all ratings",
                                 kOrders[static_cast<std::size_t>(*report.order)]);
  if (report.tied_test + report.tied_valid > 0)
    text += fmt::format("{:<11}{}: chance (--seed) decides\n", "ties",
                        describe_ties(report, data.split_method));
  return text;
}

std::string describe_preparation(const PreparedDataset& data, DuplicatePolicy policy) {
  std::string text;
  for (const FileReport& file : data.files)
    text += fmt::format("{:<11}{}: {} ratings, {}: {}\n", "read", printable(file.path),
                        grouped(file.ratings), name_of(file.format), printable(file.columns));
  if (data.duplicates.pairs > 0)
    text += fmt::format(
        "{:<11}{} pairs rated more than once, {} surplus ratings left out ({}), {} contradicting\n",
        "duplicates", grouped(data.duplicates.pairs), grouped(data.duplicates.surplus),
        name_of(policy), grouped(data.duplicates.contradicting));
  if (data.core.removed_ratings > 0)
    text += fmt::format("{:<11}{} users, {} items, {} ratings left out\n", "k-core",
                        grouped(data.core.removed_users), grouped(data.core.removed_items),
                        grouped(data.core.removed_ratings));
  return text + describe_order(data);
}

Json dataset_as_json(const DatasetSummary& summary, const std::string& path) {
  const DatasetStatistics& statistics = summary.statistics;
  Json result{{"kind", "dataset"},
              {"path", path},
              {"format_version", summary.format_version},
              {"program_version", summary.program_version},
              {"command", summary.command},
              {"content_hash", summary.content_hash},
              {"users", summary.users},
              {"items", summary.items},
              {"ratings", summary.ratings},
              {"offset", statistics.offset},
              {"signs", signs_json(statistics.all())},
              {"min_value", statistics.min_value},
              {"max_value", statistics.max_value},
              {"split", summary.split_method},
              {"split_kind", name_of(summary.split.kind)},
              {"valid_share", summary.split.valid_share},
              {"seed", summary.split.seed},
              {"timestamps", summary.has_timestamps}};
  result["histogram_exact"] = statistics.exact_histogram;
  result["histogram"] = Json::array();
  for (const ValueCount& entry : statistics.histogram)
    result["histogram"].push_back({{"value", entry.value}, {"count", entry.count}});
  result["folds"] = Json::array();
  for (std::int32_t fold = 1; fold <= summary.split.folds; ++fold)
    result["folds"].push_back(fold_json(summary, fold));
  result["ratings_per_user"] = degrees_json(statistics.user_degree);
  result["ratings_per_item"] = degrees_json(statistics.item_degree);
  return result;
}

}  // namespace siren::inline observe
