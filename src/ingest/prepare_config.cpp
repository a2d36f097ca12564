// SPDX-License-Identifier: Apache-2.0
#include "ingest/prepare_config.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include <fmt/format.h>

#include "siren/error.hpp"

namespace siren::inline ingest {
namespace {

[[noreturn]] void refuse(const std::string& sentence) {
  throw InputError(sentence);
}

void validate_sources(const PrepareConfig& config) {
  const bool pieces = !config.train.empty() || !config.valid.empty() || !config.test.empty();
  const int ways =
      (config.input.empty() ? 0 : 1) + (config.fold_files.empty() ? 0 : 1) + (pieces ? 1 : 0);
  if (ways == 0)
    refuse("no ratings named: give --input, or two or more --fold-file, or --train and --test");
  if (ways > 1)
    refuse(
        "--input, --fold-file and --train/--valid/--test contradict each other: give one of the "
        "three");
  if (pieces && (config.train.empty() || config.test.empty()))
    refuse(fmt::format(
        "--{} is missing: pre-made parts need --train and --test (--valid is optional); to train "
        "on everything, name the files by --input and add --split none",
        config.train.empty() ? "train" : "test"));
  const auto files = static_cast<std::int32_t>(config.fold_files.size());
  if (files == 1) refuse("only one --fold-file is given: folds need two or more");
  if (files > kMaxFolds)
    refuse(fmt::format("{} fold files are given; at most {} are possible", files, kMaxFolds));
}

void validate_files(const PrepareConfig& config) {
  std::set<std::string> seen;
  const auto check = [&](const std::string& path) {
    if (path.empty()) return;
    if (!seen.insert(path).second) refuse(fmt::format("the input file {} is named twice", path));
    if (path == config.output)
      refuse(fmt::format("--output {} is also an input file; choose another name", path));
  };
  std::for_each(config.input.begin(), config.input.end(), check);
  std::for_each(config.fold_files.begin(), config.fold_files.end(), check);
  check(config.train);
  check(config.valid);
  check(config.test);
  if (config.output.empty()) refuse("--output is missing: name the dataset file to write");
}

void validate_share(const char* option, const std::optional<double>& share, bool zero_allowed) {
  if (!share || (*share < 1.0 && (*share > 0.0 || (zero_allowed && *share == 0.0)))) return;
  refuse(fmt::format("{} {}: expected a share {} 0 and below 1", option, *share,
                     zero_allowed ? "from" : "above"));
}

/// A split setting that the chosen split would ignore is refused rather than ignored.
void validate_split(const PrepareConfig& config) {
  const SplitConfig split = config.split_config();
  const std::string chosen = config.input.empty()
                                 ? "pre-made parts or folds"
                                 : fmt::format("--split {}", name_of(split.method));
  const auto only_for = [&](bool given, const char* option, bool means_something) {
    if (given && !means_something) refuse(fmt::format("{} means nothing with {}", option, chosen));
  };
  const bool shares =
      split.method == SplitMethod::kRandom || split.method == SplitMethod::kTemporal;
  only_for(config.split.has_value(), "--split", !config.input.empty());
  only_for(config.folds.has_value(), "--folds", split.method == SplitMethod::kKfold);
  only_for(config.test_share.has_value(), "--test-share", shares);
  only_for(config.valid_share.has_value(), "--valid-share",
           split.method != SplitMethod::kLeaveOneOut);
  only_for(config.cut_per_user, "--cut-per-user", split.method == SplitMethod::kTemporal);
  only_for(config.order.has_value(), "--order",
           split.method == SplitMethod::kTemporal || split.method == SplitMethod::kLeaveOneOut);
  if (split.method == SplitMethod::kTemporal && config.order == RatingOrder::kRandom)
    refuse(
        "--order random and --split temporal contradict each other; --split random draws the test "
        "part at random");
  if (!config.valid.empty() && config.valid_share)
    refuse(
        "--valid and --valid-share contradict each other: the validation part is given by the "
        "file");
  if (config.folds && (*config.folds < 2 || *config.folds > kMaxFolds))
    refuse(fmt::format("--folds {}: expected a number from 2 to {}", *config.folds, kMaxFolds));
  if (config.test_share == 0.0)
    refuse("--test-share 0: no rating would test; write --split none to train on everything");
  validate_share("--test-share", config.test_share, false);
  validate_share("--valid-share", config.valid_share, true);
  if (shares && split.test_share + split.valid_share >= 1.0)
    refuse(fmt::format("--test-share {} and --valid-share {} leave nothing to train on",
                       split.test_share, split.valid_share));
}

}  // namespace

void PrepareConfig::validate() const {
  validate_sources(*this);
  validate_files(*this);
  validate_split(*this);
  if (!std::isfinite(offset)) refuse("--offset must be a finite number");
  if (min_user_ratings < 0 || min_item_ratings < 0)
    refuse("--min-user-ratings and --min-item-ratings must not be negative");
  if (format.skip_lines < 0) refuse("--skip-lines must not be negative");
  if (format.min_value && format.max_value && *format.min_value > *format.max_value)
    refuse(fmt::format("--min-value {} is above --max-value {}", *format.min_value,
                       *format.max_value));
}

SplitKind PrepareConfig::kind_of_files() const {
  return fold_files.empty() ? SplitKind::kParts : SplitKind::kFolds;
}

SplitConfig PrepareConfig::split_config() const {
  SplitConfig config;
  config.method = input.empty() ? SplitMethod::kFiles : split.value_or(SplitMethod::kKfold);
  config.folds = fold_files.empty() ? folds.value_or(config.folds)
                                    : static_cast<std::int32_t>(fold_files.size());
  config.test_share = test_share.value_or(config.test_share);
  config.valid_share = valid_share.value_or(config.valid_share);
  config.cut_per_user = cut_per_user;
  config.order = order;
  config.seed = seed;
  return config;
}

}  // namespace siren::inline ingest
