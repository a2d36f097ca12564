// SPDX-License-Identifier: Apache-2.0
#include "ingest/prepare.hpp"

#include <array>
#include <span>

#include <fmt/format.h>

#include "core/stop_signal.hpp"
#include "core/text.hpp"
#include "ingest/owner_exchange.hpp"
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

/// The first row of this rank that repeats the pair before it. There is one.
std::size_t first_repeated(const RatingTable& table, bool within_part) {
  std::size_t row = 1;
  while (table.user[row] != table.user[row - 1] || table.item[row] != table.item[row - 1] ||
         (within_part && table.part[row] != table.part[row - 1]))
    ++row;
  return row;
}

/// An id, wherever it is kept. Collective.
std::string id_of(const Communicator& comm, const IdShare& ids, std::int64_t index) {
  const RowRange mine = ids.range();
  const bool here = index >= mine.begin && index < mine.end;
  std::string text = here ? std::string(ids.at(index)) : std::string();
  comm.broadcast(text, comm.all_reduce(here ? comm.rank() : -1, Reduction::kMax));
  return text;
}

/// Collective; `mine` is what this rank found.
[[noreturn]] void refuse_duplicates(const Communicator& comm, const PrepareConfig& config,
                                    const PreparedDataset& data, DuplicateScope scope,
                                    const DuplicateReport& mine) {
  const bool within_part = scope == DuplicateScope::kWithinPart;
  std::array<std::int32_t, 2> pair{};
  if (mine.pairs > 0) {
    const std::size_t row = first_repeated(data.ratings, within_part);
    pair = {data.ratings.user[row], data.ratings.item[row]};
  }
  const std::int32_t nobody = comm.size();
  comm.broadcast(std::span<std::int32_t>(pair),
                 comm.all_reduce(mine.pairs > 0 ? comm.rank() : nobody, Reduction::kMin));
  const std::string user = id_of(comm, data.users, pair[0]);
  const std::string item = id_of(comm, data.items, pair[1]);
  std::string place;
  agree_on_input(comm, [&] {
    if (!comm.is_root()) return;
    place = locate_pair(sources_of(config), config.format, user, item, within_part);
  });
  comm.broadcast(place);
  throw InputError(
      fmt::format("{} (user, item) pairs are rated more than once, {} of them with contradicting "
                  "signs; the first is user "
                  "{}, item {}{}; choose --duplicates last, first or mean",
                  grouped(data.duplicates.pairs), grouped(data.duplicates.contradicting),
                  shown(user), shown(item), place.empty() ? "" : fmt::format(" ({})", place)));
}

DuplicateReport add_up(const Communicator& comm, const DuplicateReport& mine) {
  std::array<EdgeOffset, 3> sums = {mine.pairs, mine.surplus, mine.contradicting};
  comm.all_reduce(std::span<EdgeOffset>(sums), Reduction::kSum);
  return {sums[0], sums[1], sums[2]};
}

void settle_duplicates(const Communicator& comm, const PrepareConfig& config,
                       PreparedDataset& data) {
  const DuplicateScope scope = scope_of(config);
  data.ratings = select_rows(std::move(data.ratings),
                             canonical_order(data.ratings, data.users.range(), scope));
  const DuplicateReport mine =
      merge_duplicates(data.ratings, config.duplicates, scope, config.offset);
  data.duplicates = add_up(comm, mine);
  if (config.duplicates == DuplicatePolicy::kError && data.duplicates.pairs > 0)
    refuse_duplicates(comm, config, data, scope, mine);
}

EdgeOffset count_ratings(const Communicator& comm, const PreparedDataset& data) {
  return comm.all_reduce(data.ratings.size(), Reduction::kSum);
}

void reduce(const Communicator& comm, const PrepareConfig& config, PreparedDataset& data) {
  if (config.min_user_ratings <= 1 && config.min_item_ratings <= 1) return;
  data.core = reduce_to_core(comm, data.ratings, data.users, data.items, config.min_user_ratings,
                             config.min_item_ratings);
  if (count_ratings(comm, data) == 0)
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
  if (data.timed) return;
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
void check_columns(const PrepareConfig& config, EdgeOffset ratings, PreparedDataset& data) {
  constexpr EdgeOffset kFewRatings = 10;
  if (ratings >= kFewRatings && data.users.size() == ratings)
    data.warnings.emplace_back(
        "no user rated more than one item: the column taken for the user may be another; see "
        "--columns");
  const bool by_age =
      config.duplicates == DuplicatePolicy::kLast || config.duplicates == DuplicatePolicy::kFirst;
  if (by_age && data.duplicates.pairs > 0 && !data.timed && !unread_time(data).empty())
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
  prepare_dataset(Communicator::alone(), config, data);
  return data;
}

void prepare_dataset(const Communicator& comm, const PrepareConfig& config, PreparedDataset& data) {
  const auto look = [&] { agree_on_input(comm, [] { throw_if_stopped(kNothingWritten); }); };
  LoadedRatings loaded = load_ratings(comm, sources_of(config), config.format, config.least_bytes);
  data.ratings = std::move(loaded.ratings);
  data.timed = loaded.timed;
  data.users = std::move(loaded.users);
  data.items = std::move(loaded.items);
  data.files = std::move(loaded.files);
  look();
  const SplitConfig split = config.split_config();
  for (const FileReport& file : data.files)
    if (!file.doubt.empty()) data.warnings.push_back(file.doubt);
  check_order(split, data);
  if (split.order == RatingOrder::kFile)
    number_places(data.ratings, sum_before(comm, data.ratings.size()));
  data.ratings = send_to_owners(comm, std::move(data.ratings), data.users);
  settle_duplicates(comm, config, data);
  check_columns(config, count_ratings(comm, data), data);
  look();
  reduce(comm, config, data);
  look();
  data.split_method = split.method;
  data.split = assign_parts(comm, data.ratings, split, config.kind_of_files(), &data.split_report);
  data.statistics = compute_statistics(comm, data.ratings, data.users.range(), data.items.size(),
                                       data.split, config.offset);
  require_every_part(data);
  const std::string one_sided = check_signs(data.statistics, data.split);
  if (!one_sided.empty()) data.warnings.push_back(one_sided);
}

}  // namespace siren::inline ingest
