// SPDX-License-Identifier: Apache-2.0
#include "ingest/ratings_loader.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "core/log.hpp"
#include "core/stop_signal.hpp"
#include "core/text.hpp"
#include "ingest/input_share.hpp"
#include "ingest/ratings_reader.hpp"
#include "siren/error.hpp"

namespace siren::inline ingest {
namespace {

constexpr EdgeOffset kRowsBetweenLooks = 65'536;  // for a stop signal
constexpr EdgeOffset kRowsBetweenMessages = 20'000'000;
constexpr EdgeOffset kFewRows = 10;  // in which every user may come once by chance

/// A data frame written without a header has its index in front: nobody rates twice then.
std::string line_numbers_refused(const std::string& path, const ColumnNotes& notes) {
  return fmt::format(
      "{}: the first of its {} columns, taken for the user, differs in every line as a line number "
      "does; give --columns {} if it is one, --columns {} if it is the user",
      path, notes.columns(), notes.positions_behind_first(), notes.positions());
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

/// What the rank that reads the head of a file says of it to the others.
struct FileHead {
  int rank = -1;
  TextFormat format = TextFormat::kAuto;
  bool timed = false;
  std::string columns;
  std::string unread_time;
  std::string doubt;
  std::string refusal;  // if its first column numbers the lines
};

void share_head(const Communicator& comm, FileHead& head) {
  head.rank = comm.all_reduce(head.rank, Reduction::kMax);
  std::array<std::int32_t, 2> numbers = {static_cast<std::int32_t>(head.format), head.timed};
  comm.broadcast(std::span<std::int32_t>(numbers), head.rank);
  head.format = static_cast<TextFormat>(numbers[0]);
  head.timed = numbers[1] != 0;
  for (std::string* text : {&head.columns, &head.unread_time, &head.doubt, &head.refusal})
    comm.broadcast(*text, head.rank);
}

/// How many different ids the ranks' rows have; `ids` of them there are. Collective.
std::int64_t count_distinct(const Communicator& comm, std::span<const std::int32_t> rows,
                            std::int64_t ids) {
  std::vector<std::int32_t> mine(rows.begin(), rows.end());
  const auto keep_once = [](std::vector<std::int32_t>& values) {
    std::sort(values.begin(), values.end());
    values.erase(std::unique(values.begin(), values.end()), values.end());
  };
  keep_once(mine);
  std::vector<std::int64_t> counts(as_index(comm.size()), 0);
  for (const std::int32_t id : mine) ++counts[as_index(std::int64_t{id} * comm.size() / ids)];
  std::vector<std::int32_t> got =
      comm.all_to_all_v(std::span<const std::int32_t>(mine), counts).values;
  keep_once(got);
  return comm.all_reduce(std::int64_t{std::ssize(got)}, Reduction::kSum);
}

/// Grows this rank's table part by part; ids are provisional until finish().
class Collector {
 public:
  Collector(const std::vector<RatingsSource>& sources, const RatingsFormat& format)
      : sources_(sources),
        format_(format),
        heads_(sources.size()),
        rows_(sources.size(), 0),
        all_new_(sources.size(), 1) {}

  void add(const InputPart& part, int rank) {
    const RatingsSource& source = sources_[part.file];
    RatingsReader reader(source.path, format_);
    if (!part.begins_file() || !part.ends_file()) reader.restrict_to(part.begin, part.end);
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
        spdlog::info("{} ratings read by rank 0", grouped(table.size()));
    }
    table.part.resize(table.user.size(), source.part);
    rows_[part.file] = table.size() - before;
    all_new_[part.file] = users_.size() - users_before == rows_[part.file] ? 1 : 0;
    if (part.begins_file())
      heads_[part.file] = head_of(reader, head_notes(source.path, reader, part), rank);
  }

  LoadedRatings finish(const Communicator& comm) {
    for (FileHead& head : heads_) share_head(comm, head);
    const std::vector<EdgeOffset> mine = rows_;
    comm.all_reduce(std::span<EdgeOffset>(rows_), Reduction::kSum);
    comm.all_reduce(std::span<std::int32_t>(all_new_), Reduction::kMin);
    for (std::size_t file = 0; file < sources_.size(); ++file) {
      if (rows_[file] == 0)
        throw InputError(fmt::format("{} holds no ratings", sources_[file].path));
      require_same_times(file);
    }
    loaded_.timed = heads_.front().timed;
    loaded_.users = number(comm, users_, loaded_.ratings.user);
    loaded_.items = number(comm, items_, loaded_.ratings.item);
    EdgeOffset end = 0;
    for (std::size_t file = 0; file < sources_.size(); ++file) {
      const EdgeOffset begin = std::exchange(end, end + mine[file]);
      if (numbers_lines(comm, file, begin, end)) throw InputError(heads_[file].refusal);
      FileHead& head = heads_[file];
      loaded_.files.push_back({sources_[file].path, head.format, rows_[file], head.columns,
                               head.unread_time, head.doubt});
    }
    return std::move(loaded_);
  }

 private:
  /// What the first lines of a file say of its columns, also where only a few of them are this
  /// rank's.
  ColumnNotes head_notes(const std::string& path, const RatingsReader& reader,
                         const InputPart& part) const {
    if (part.ends_file() || !reader.notes().wants_more()) return reader.notes();
    RatingsReader head(path, format_);
    try {
      RatingRow row;
      for (int rows = 0; rows < ColumnNotes::kLooked && head.next(row); ++rows) {
      }
    } catch (const InputError&) {
      // Whoever reads that line says so.
    }
    return head.notes();
  }

  FileHead head_of(const RatingsReader& reader, const ColumnNotes& notes, int rank) const {
    const std::string& path = reader.path();
    return {rank,
            reader.format(),
            reader.has_time(),
            notes.taken(),
            notes.unread_time(),
            doubt_about(path, notes, format_),
            notes.like_line_numbers() ? line_numbers_refused(path, notes) : std::string()};
  }

  void require_same_times(std::size_t file) const {
    const bool has_time = heads_[file].timed;
    if (has_time == heads_.front().timed) return;
    const std::string& path = sources_[file].path;
    const std::string& other = sources_.front().path;
    throw InputError(
        fmt::format("{} has times and {} has none; name the same columns for all with --columns",
                    has_time ? path : other, has_time ? other : path));
  }

  static IdShare number(const Communicator& comm, IdMap& ids, std::vector<std::int32_t>& column) {
    CommonIds common = number_together(comm, ids, column);
    ids = IdMap();
    for (std::int32_t& id : column) id = common.number[as_index(id)];
    return std::move(common.share);
  }

  /// Every row of the file, rows [begin, end) of this rank, has a user of its own, who is in no file
  /// before.
  bool numbers_lines(const Communicator& comm, std::size_t file, EdgeOffset begin,
                     EdgeOffset end) const {
    if (heads_[file].refusal.empty() || rows_[file] < kFewRows || all_new_[file] == 0) return false;
    const std::span<const std::int32_t> users(loaded_.ratings.user);
    const std::int64_t ids = loaded_.users.size();
    const std::int64_t before = count_distinct(comm, users.first(as_index(begin)), ids);
    return count_distinct(comm, users.first(as_index(end)), ids) - before == rows_[file];
  }

  const std::vector<RatingsSource>& sources_;
  const RatingsFormat& format_;
  std::vector<FileHead> heads_;
  std::vector<EdgeOffset> rows_;
  std::vector<std::int32_t> all_new_;  // each of them has a user that this rank had not seen
  LoadedRatings loaded_;
  IdMap users_;
  IdMap items_;
};

}  // namespace

LoadedRatings load_ratings(const Communicator& comm, const std::vector<RatingsSource>& sources,
                           const RatingsFormat& format, std::int64_t least_bytes) {
  std::vector<std::string> paths;
  paths.reserve(sources.size());
  for (const RatingsSource& source : sources) paths.push_back(source.path);
  const std::vector<InputPart> parts = share_input(comm, paths, format, least_bytes);
  Collector collector(sources, format);
  agree_on_input(comm, [&] {
    for (const InputPart& part : parts) collector.add(part, comm.rank());
  });
  return collector.finish(comm);
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
