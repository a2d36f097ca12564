// SPDX-License-Identifier: Apache-2.0
#include "siren/data/ratings_reader.hpp"

#include <cmath>

#include <fmt/format.h>

#include "siren/core/error.hpp"
#include "siren/data/number_text.hpp"

namespace siren {
namespace {

/// A quote left open would otherwise swallow the rest of the file.
constexpr int kMaxRecordLines = 1000;
constexpr std::size_t kShownCharacters = 40;
constexpr std::array<const char*, kColumnRoles> kRoleNames = {"user", "item", "rating", "time"};

bool is_blank(std::string_view line) {
  return trimmed(line).empty();
}

}  // namespace

RatingsReader::RatingsReader(const std::string& path, const RatingsFormat& format)
    : lines_(path), wanted_(format), format_(format.format), splitter_(Delimiter::kComma) {
  std::string_view skipped;
  for (std::int64_t line = 0; line < format.skip_lines; ++line)
    if (!lines_.next(skipped))
      throw InputError(fmt::format("{} has only {} lines, but --skip-lines is {}", path,
                                   lines_.line_number(), format.skip_lines));
  learn_layout();
}

/// Leaves the first rating pending, its fields split.
void RatingsReader::learn_layout() {
  do {
    if (!lines_.next(record_)) throw InputError(fmt::format("{} holds no ratings", lines_.path()));
  } while (is_blank(record_));
  row_line_ = lines_.line_number();
  if (format_ == TextFormat::kAuto) format_ = detect_format(lines_.path(), record_);
  if (format_ == TextFormat::kJsonLines) {
    const std::vector<std::string> keys = json_keys(record_);
    if (keys.empty())
      throw InputError(fmt::format("{}: not a JSON object; expected one object a line", place()));
    keys_ = resolve_keys(wanted_, keys, place());
    pending_ = true;
    return;
  }
  splitter_ = FieldSplitter(delimiter_of(format_));
  splitter_.split(record_);
  columns_ = resolve_columns(format_, wanted_, splitter_.fields(), place());
  pending_ = !columns_.has_header;
  if (columns_.has_header) header_ = record_;
}

bool RatingsReader::has_time() const {
  return format_ == TextFormat::kJsonLines ? !keys_[kTimeColumn].empty() : columns_.has_time();
}

bool RatingsReader::next(RatingRow& row) {
  if (!pending_ && !next_record()) return false;
  pending_ = false;
  if (format_ == TextFormat::kJsonLines)
    pick_members();
  else
    pick_fields();
  convert(row);
  return true;
}

bool RatingsReader::next_record() {
  do {
    if (!lines_.next(record_)) return false;
  } while (is_blank(record_));
  row_line_ = lines_.line_number();
  return true;
}

void RatingsReader::pick_fields() {
  if (!splitter_.split(record_)) {
    joined_ = record_;
    int lines = 1;
    do {
      std::string_view more;
      if (++lines > kMaxRecordLines || !lines_.next(more))
        throw InputError(
            fmt::format("{}: a quoted field is not closed; add the missing quote", place()));
      joined_.append("\n").append(more);
    } while (!splitter_.split(joined_));
  }
  const auto fields = splitter_.fields();
  if (fields.size() != columns_.fields)
    throw InputError(fmt::format("{}: expected {} columns as in the first line, found {}", place(),
                                 columns_.fields, fields.size()));
  for (std::size_t role = 0; role < kColumnRoles; ++role)
    if (columns_.position[role] != ColumnLayout::kAbsent)
      text_[role] = fields[static_cast<std::size_t>(columns_.position[role])];
}

void RatingsReader::pick_members() {
  if (!read_json_fields(record_, keys_, json_))
    throw InputError(fmt::format(
        "{}: not a JSON object with user, item and rating as strings or numbers", place()));
  for (std::size_t role = 0; role < kColumnRoles; ++role) {
    if (!keys_[role].empty() && !json_.found[role])
      throw InputError(fmt::format("{}: the object has no member {} ({})", place(), keys_[role],
                                   kRoleNames[role]));
    text_[role] = json_.text[role];
  }
}

void RatingsReader::convert(RatingRow& row) const {
  row.user = text_[kUserColumn];
  row.item = text_[kItemColumn];
  if (row.user.empty() || row.item.empty())
    throw InputError(
        fmt::format("{}: the {} id is empty", place(), row.user.empty() ? "user" : "item"));
  row.value = checked_value(text_[kRatingColumn]);
  if (!has_time()) return;
  const auto time = parse_time(text_[kTimeColumn]);
  if (!time)
    throw InputError(
        fmt::format("{}: the time '{}' is neither a number nor a date like 2021-08-19 12:00:00",
                    place(), text_[kTimeColumn].substr(0, kShownCharacters)));
  row.timestamp = *time;
}

float RatingsReader::checked_value(std::string_view text) const {
  const auto value = parse_float(text);
  if (!value || !std::isfinite(*value))
    throw InputError(
        fmt::format("{}: the rating '{}' is not a {}number; correct the line, or name the right "
                    "columns with --columns",
                    place(), text.substr(0, kShownCharacters), value ? "finite " : ""));
  const bool below = wanted_.min_value && *value < *wanted_.min_value;
  const bool above = wanted_.max_value && *value > *wanted_.max_value;
  if (below || above)
    throw InputError(fmt::format("{}: the rating {} is {} {} {}", place(), text,
                                 below ? "below" : "above", below ? "--min-value" : "--max-value",
                                 below ? *wanted_.min_value : *wanted_.max_value));
  return *value;
}

std::string RatingsReader::place() const {
  return fmt::format("{}:{}", lines_.path(), row_line_);
}

}  // namespace siren
