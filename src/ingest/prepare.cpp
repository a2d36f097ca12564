// SPDX-License-Identifier: Apache-2.0
#include "ingest/prepare.hpp"

#include <fmt/format.h>

#include "core/stop_signal.hpp"
#include "core/text.hpp"
#include "ingest/ratings_loader.hpp"
#include "ingest/shown_text.hpp"
#include "siren/error.hpp"

namespace siren::inline ingest {
namespace {

std::vector<RatingsSource> sources_of(const PrepareConfig& config) {
  std::vector<RatingsSource> sources;
  for (const std::string& path : config.input) sources.push_back({path, kTrainPart});
  std::uint8_t fold = 0;
  for (const std::string& path : config.fold_files) sources.push_back({path, ++fold});
  if (!config.train.empty()) sources.push_back({config.train, kTrainPart});
  if (!config.valid.empty()) sources.push_back({config.valid, kValidPart});
  if (!config.test.empty()) sources.push_back({config.test, kTestPart});
  return sources;
}

/// Made parts may repeat a pair across files; anything else is one set in which a pair stands once.
DuplicateScope scope_of(const PrepareConfig& config) {
  return config.train.empty() ? DuplicateScope::kWholeSet : DuplicateScope::kWithinPart;
}

[[noreturn]] void refuse_duplicates(const PrepareConfig& config, const PreparedDataset& data,
                                    DuplicateScope scope) {
  const bool within_part = scope == DuplicateScope::kWithinPart;
  const RatingTable& table = data.ratings;
  std::size_t row = 1;
  while (table.user[row] != table.user[row - 1] || table.item[row] != table.item[row - 1] ||
         (within_part && table.part[row] != table.part[row - 1]))
    ++row;
  const std::string_view user = data.users.at(table.user[row]);
  const std::string_view item = data.items.at(table.item[row]);
  const std::string place = locate_pair(sources_of(config), config.format, user, item, within_part);
  throw InputError(
      fmt::format("{} (user, item) pairs are rated more than once, {} of them with contradicting "
                  "signs; the first is user "
                  "{}, item {}{}; choose --duplicates last, first or mean",
                  grouped(data.duplicates.pairs), grouped(data.duplicates.contradicting),
                  shown(user), shown(item), place.empty() ? "" : fmt::format(" ({})", place)));
}

void settle_duplicates(const PrepareConfig& config, PreparedDataset& data) {
  const DuplicateScope scope = scope_of(config);
  const auto order =
      canonical_order(data.ratings, static_cast<std::int32_t>(data.users.size()), scope);
  data.ratings = select_rows(std::move(data.ratings), order);
  data.duplicates = merge_duplicates(data.ratings, config.duplicates, scope, config.offset);
  if (config.duplicates == DuplicatePolicy::kError && data.duplicates.pairs > 0)
    refuse_duplicates(config, data, scope);
}

void reduce(const PrepareConfig& config, PreparedDataset& data) {
  if (config.min_user_ratings <= 1 && config.min_item_ratings <= 1) return;
  data.core = reduce_to_core(data.ratings, data.users, data.items, config.min_user_ratings,
                             config.min_item_ratings);
  if (data.ratings.size() == 0)
    throw InputError(
        fmt::format("no rating is left: no users with {} and items with {} ratings each exist; "
                    "lower --min-user-ratings or "
                    "--min-item-ratings",
                    config.min_user_ratings, config.min_item_ratings));
}

/// Times that are there, but were not recognised as such; empty if there are none.
std::string unread_time(const PreparedDataset& data) {
  for (const FileReport& file : data.files)
    if (!file.unread_time.empty()) return fmt::format("{}: {}", file.path, file.unread_time);
  return {};
}

/// Without times a split or the last of several ratings is not what most people expect.
void check_order(const SplitConfig& split, PreparedDataset& data) {
  if (data.ratings.has_timestamps()) return;
  const std::string hint = unread_time(data);
  const bool temporal = split.method == SplitMethod::kTemporal;
  if (!hint.empty() &&
      (split.order == RatingOrder::kTime || (temporal && !split.order.has_value())))
    throw InputError(
        fmt::format("--split {} needs times, and none are read; {}", name_of(split.method), hint));
  if (split.method == SplitMethod::kLeaveOneOut && !split.order.has_value())
    data.warnings.push_back(fmt::format(
        "--split leave-one-out has no times to go by, so which rating of a user tests is drawn at "
        "random; {}; --order file takes each user's last line, --order random says that this is "
        "meant",
        hint.empty() ? "name a column of times as the fourth of --columns" : hint));
}

/// What the files may mean other than what was read.
void check_columns(const PrepareConfig& config, PreparedDataset& data) {
  constexpr EdgeOffset kFewRatings = 10;
  if (data.ratings.size() >= kFewRatings && data.users.size() == data.ratings.size())
    data.warnings.emplace_back(
        "no user rated more than one item: the column taken for the user may be another; see "
        "--columns");
  const bool by_age =
      config.duplicates == DuplicatePolicy::kLast || config.duplicates == DuplicatePolicy::kFirst;
  if (by_age && data.duplicates.pairs > 0 && !data.ratings.has_timestamps() &&
      !unread_time(data).empty())
    data.warnings.push_back(
        fmt::format("--duplicates {} goes by the order of lines, for no times "
                    "are read; {}",
                    name_of(config.duplicates), unread_time(data)));
}

void require_every_part(const PreparedDataset& data) {
  const bool tests = data.split_method != SplitMethod::kNone;
  for (std::int32_t fold = 1; tests && fold <= data.split.folds; ++fold) {
    if (data.statistics.test_of(data.split, fold).total() > 0) continue;
    throw InputError(data.split.kind == SplitKind::kFolds
                         ? fmt::format("fold {} holds no ratings", fold)
                         : std::string("the test part holds no ratings"));
  }
  if (data.statistics.train_of(data.split, 1).total() == 0)
    throw InputError("the train part holds no ratings");
}

}  // namespace

PreparedDataset prepare_dataset(const PrepareConfig& config) {
  PreparedDataset data;
  prepare_dataset(config, data);
  return data;
}

void prepare_dataset(const PrepareConfig& config, PreparedDataset& data) {
  LoadedRatings loaded = load_ratings(sources_of(config), config.format);
  data.ratings = std::move(loaded.ratings);
  data.users = std::move(loaded.users);
  data.items = std::move(loaded.items);
  data.files = std::move(loaded.files);
  throw_if_stopped(kNothingWritten);
  const SplitConfig split = config.split_config();
  for (const FileReport& file : data.files)
    if (!file.doubt.empty()) data.warnings.push_back(file.doubt);
  check_order(split, data);
  if (split.order == RatingOrder::kFile) number_places(data.ratings);
  settle_duplicates(config, data);
  check_columns(config, data);
  throw_if_stopped(kNothingWritten);
  reduce(config, data);
  throw_if_stopped(kNothingWritten);
  data.split_method = split.method;
  data.split = assign_parts(data.ratings, split, config.kind_of_files(), &data.split_report);
  data.statistics = compute_statistics(data.ratings, data.users.size(), data.items.size(),
                                       data.split, config.offset);
  require_every_part(data);
  const std::string one_sided = check_signs(data.statistics, data.split);
  if (!one_sided.empty()) data.warnings.push_back(one_sided);
}

}  // namespace siren::inline ingest
