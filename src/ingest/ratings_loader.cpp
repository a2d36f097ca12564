// SPDX-License-Identifier: Apache-2.0
#include "ingest/ratings_loader.hpp"

#include <fmt/format.h>

#include "core/log.hpp"
#include "core/stop_signal.hpp"
#include "core/text.hpp"
#include "ingest/ratings_reader.hpp"
#include "siren/error.hpp"

namespace siren::inline ingest {
namespace {

constexpr EdgeOffset kRowsBetweenLooks = 65'536;  // for a stop signal
constexpr EdgeOffset kRowsBetweenMessages = 20'000'000;
constexpr EdgeOffset kFewRows = 10;  // in which every user may come once by chance

/// A data frame written without a header has its index in front: nobody rates twice then.
[[noreturn]] void refuse_line_numbers(const std::string& path, const ColumnNotes& notes) {
  throw InputError(fmt::format(
      "{}: the first of its {} columns, taken for the user, differs in every line as a line number "
      "does; give --columns {} if it is one, --columns {} if it is the user",
      path, notes.columns(), notes.positions_behind_first(), notes.positions()));
}

/// What a rating may be whose decimal comma separates columns; InputError if it must be.
std::string doubt_about(const std::string& path, const ColumnNotes& notes,
                        const RatingsFormat& format) {
  const std::string number = notes.split_number();
  if (number.empty()) return {};
  if (format.decimal == DecimalMark::kComma)
    throw InputError(
        fmt::format("{}: commas separate its columns, so '{}' cannot be a number with a decimal "
                    "comma; quote such numbers or write them with a point",
                    path, number));
  return fmt::format(
      "{}: column 3 was taken for the rating and column 4 left unread; if '{}' in the first line "
      "is "
      "one number, quote it (and add --decimal ,) or write it with a point; --columns 1,2,3 says "
      "that it is not",
      path, number);
}

/// Grows the table file by file; ids are provisional until finish().
class Collector {
 public:
  explicit Collector(const RatingsFormat& format) : format_(format) {}

  void add(const RatingsSource& source) {
    RatingsReader reader(source.path, format_);
    require_same_times(source.path, reader.has_time());
    RatingTable& table = loaded_.ratings;
    const EdgeOffset before = table.size();
    const std::int64_t users_before = users_.size();
    for (RatingRow row; reader.next(row);) {
      table.user.push_back(users_.intern(row.user));
      table.item.push_back(items_.intern(row.item));
      table.value.push_back(row.value);
      if (reader.has_time()) table.timestamp.push_back(row.timestamp);
      if (table.size() % kRowsBetweenLooks == 0) throw_if_stopped(kNothingWritten);
      if (table.size() % kRowsBetweenMessages == 0)
        spdlog::info("{} ratings read", grouped(table.size()));
    }
    if (table.size() == before) throw InputError(fmt::format("{} holds no ratings", source.path));
    table.part.resize(table.user.size(), source.part);
    const EdgeOffset rows = table.size() - before;
    const ColumnNotes& notes = reader.notes();
    if (notes.like_line_numbers() && rows >= kFewRows && users_.size() - users_before == rows)
      refuse_line_numbers(source.path, notes);
    loaded_.files.push_back({source.path, reader.format(), rows, notes.taken(), notes.unread_time(),
                             doubt_about(source.path, notes, format_)});
  }

  LoadedRatings finish() {
    SortedIds users = users_.sort();
    SortedIds items = items_.sort();
    for (UserId& user : loaded_.ratings.user) user = users.rank[static_cast<std::size_t>(user)];
    for (ItemId& item : loaded_.ratings.item) item = items.rank[static_cast<std::size_t>(item)];
    loaded_.users = std::move(users.table);
    loaded_.items = std::move(items.table);
    return std::move(loaded_);
  }

 private:
  void require_same_times(const std::string& path, bool has_time) const {
    if (loaded_.files.empty() || has_time == loaded_.ratings.has_timestamps()) return;
    const std::string& other = loaded_.files.front().path;
    throw InputError(
        fmt::format("{} has times and {} has none; name the same columns for all with --columns",
                    has_time ? path : other, has_time ? other : path));
  }

  const RatingsFormat& format_;
  LoadedRatings loaded_;
  IdMap users_;
  IdMap items_;
};

}  // namespace

LoadedRatings load_ratings(const std::vector<RatingsSource>& sources, const RatingsFormat& format) {
  Collector collector(format);
  for (const RatingsSource& source : sources) collector.add(source);
  return collector.finish();
}

std::string locate_pair(const std::vector<RatingsSource>& sources, const RatingsFormat& format,
                        std::string_view user, std::string_view item, bool within_part) {
  std::string first;
  try {
    for (const RatingsSource& source : sources) {
      if (within_part) first.clear();
      RatingsReader reader(source.path, format);
      for (RatingRow row; reader.next(row);) {
        if (row.user != user || row.item != item) continue;
        const std::string place = fmt::format("{}:{}", source.path, reader.line_number());
        if (!first.empty()) return fmt::format("{} and {}", first, place);
        first = place;
      }
    }
  } catch (const InputError&) {
    // A pipe has nothing left to say: the message then goes without the lines.
  }
  return {};
}

}  // namespace siren::inline ingest
