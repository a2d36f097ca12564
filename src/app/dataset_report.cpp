// SPDX-License-Identifier: Apache-2.0
#include "siren/app/dataset_report.hpp"

#include <array>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "siren/core/text.hpp"

namespace siren::inline app {
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
    return text + fmt::format("{:<11}none: for a final model, which nobody judges\n",
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

}  // namespace siren::inline app
