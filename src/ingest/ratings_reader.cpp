// SPDX-License-Identifier: Apache-2.0
#include "ingest/ratings_reader.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include <fmt/format.h>

#include "core/text.hpp"
#include "ingest/number_text.hpp"
#include "ingest/shown_text.hpp"
#include "siren/error.hpp"

namespace siren::inline ingest {
namespace {

/// A quote left open would otherwise swallow the rest of the file.
constexpr int kMaxRecordLines = 1000;
constexpr std::array<const char*, kColumnRoles> kRoleNames = {"user", "item", "rating", "time"};

bool is_blank(std::string_view line) {
  return trimmed(line).empty();
}

/// As remarks above a table begin.
bool is_marked(std::string_view line) {
  line = trimmed(line);
  return line.starts_with('#') || line.starts_with('%') || line.starts_with("//");
}

std::string_view take_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

std::size_t count_fields(TextFormat format, std::string_view line) {
  FieldSplitter splitter(delimiter_of(format));
  splitter.split(line);
  return splitter.fields().size();
}

/// A marked line may still belong to the table: "#user,item,rating", or a user named "#1".
bool has_columns_of(std::string_view line, std::string_view table_line, TextFormat format) try {
  if (format == TextFormat::kAuto) format = detect_format("", table_line);
  return format != TextFormat::kJsonLines &&
         count_fields(format, line) == count_fields(format, table_line);
} catch (const InputError&) {
  return false;
}

/// How to put the file through another program: "jq -c . FILE > NAME".
std::string filtered(const LineReader& lines, std::string_view program, std::string_view name) {
  const std::string file = shell_quoted(lines.path());
  return lines.compressed() ? fmt::format("gzip -dc {} | {} > {}", file, program, name)
                            : fmt::format("{} {} > {}", program, file, name);
}

}  // namespace

RatingsReader::RatingsReader(const std::string& path, const RatingsFormat& format)
    : lines_(path), wanted_(format), format_(format.format), splitter_(Delimiter::kComma) {
  if (lines_.ahead().empty()) throw InputError(fmt::format("{} is empty", path));
  std::string_view skipped;
  for (std::int64_t line = 0; line < format.skip_lines; ++line)
    if (!lines_.next(skipped))
      throw InputError(fmt::format("{} has only {} lines, but --skip-lines is {}", path,
                                   lines_.line_number(), format.skip_lines));
  learn_layout();
}

/// Leaves the first rating pending.
void RatingsReader::learn_layout() {
  refuse_array();
  do {
    record_begin_ = lines_.offset();
    if (!lines_.next(record_)) throw InputError(fmt::format("{} holds no ratings", lines_.path()));
  } while (is_blank(record_));
  row_line_ = lines_.line_number();
  refuse_comment();
  if (format_ == TextFormat::kAuto) format_ = detect_format(lines_.path(), first_record());
  if (format_ == TextFormat::kJsonLines)
    learn_keys();
  else
    learn_columns();
}

void RatingsReader::learn_columns() {
  splitter_ = FieldSplitter(delimiter_of(format_));
  split_record();
  const auto fields = splitter_.fields();
  columns_ = resolve_columns(format_, wanted_, fields, place());
  pending_ = !columns_.has_header;
  if (!pending_) record_begin_ = lines_.offset();
  std::vector<std::string> names(fields.size());
  if (columns_.has_header) names.assign(fields.begin(), fields.end());
  notes_ = ColumnNotes(columns_, std::move(names));
}

void RatingsReader::learn_keys() {
  std::vector<std::string> keys = json_keys(record_);
  if (keys.empty())
    throw InputError(fmt::format("{}: not a JSON object; expected one object a line: {}", place(),
                                 filtered(lines_, "jq -c .", "ratings.jsonl")));
  keys_ = resolve_keys(wanted_, keys, place());
  pending_ = true;
  std::vector<std::string> texts;
  for (const std::string& key : keys) {
    JsonFields member;
    const bool plain = read_json_fields(record_, KeyLayout{key}, member);
    texts.push_back(plain ? member.text[kUserColumn] : "");
  }
  notes_ = ColumnNotes(keys_, std::move(keys));
  notes_.see(std::vector<std::string_view>(texts.begin(), texts.end()));
}

/// One array of all ratings is a single value, which would have to be read as a whole.
void RatingsReader::refuse_array() const {
  if (format_ != TextFormat::kAuto && format_ != TextFormat::kJsonLines) return;
  constexpr std::string_view kSpace = " \t\r\n";
  const std::string_view ahead = lines_.ahead();
  const std::size_t bracket = ahead.find_first_not_of(kSpace);
  if (bracket == std::string_view::npos || ahead[bracket] != '[') return;
  const std::size_t inside = ahead.find_first_not_of(kSpace, bracket + 1);
  if (inside != std::string_view::npos && ahead[inside] != '{') return;
  throw InputError(fmt::format("{} is one JSON array; ratings are read as one object a line: {}",
                               lines_.path(), filtered(lines_, "jq -c '.[]'", "ratings.jsonl")));
}

/// Remarks above the table would be taken for its header.
void RatingsReader::refuse_comment() const {
  if (!is_marked(record_) || wanted_.header == HeaderMode::kYes) return;
  // A Matrix Market file has a line of three sizes below its remarks, which looks like a rating.
  const bool matrix_market = record_.starts_with("%%MatrixMarket");
  std::int64_t remarks = row_line_ + (matrix_market ? 1 : 0);
  for (std::string_view ahead = lines_.ahead(); !ahead.empty(); ++remarks) {
    const std::string_view line = take_line(ahead);
    if (is_blank(line) || is_marked(line)) continue;
    if (has_columns_of(record_, line, format_)) return;
    throw InputError(fmt::format(
        "{}: the line '{}' seems to be a remark above the table; --skip-lines {} passes over it",
        place(), shown(record_), remarks));
  }
}

/// For the detection of the format: the first line and, if it leaves a quote open, those behind it
/// that close it.
std::string RatingsReader::first_record() const {
  std::string record(record_);
  const auto open = [&] { return std::count(record.begin(), record.end(), '"') % 2 != 0; };
  std::string_view ahead = lines_.ahead();
  for (int lines = 1; lines < kMaxRecordLines && open() && !ahead.empty(); ++lines)
    record.append("\n").append(take_line(ahead));
  return open() ? std::string(record_) : record;
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

RecordScan RatingsReader::scan() const {
  if (format_ == TextFormat::kJsonLines) return RecordScan(std::nullopt);
  return RecordScan(delimiter_of(format_));
}

void RatingsReader::restrict_to(std::int64_t begin, std::int64_t end) {
  end_ = end;
  if (begin > record_begin_) {
    lines_.seek(begin);
    pending_ = false;
  }
  if (record_begin_ >= end) pending_ = false;
}

bool RatingsReader::next_record() {
  do {
    if (lines_.offset() >= end_ || !lines_.next(record_)) return false;
  } while (is_blank(record_));
  row_line_ = lines_.line_number();
  return true;
}

/// Appends lines to the record until no quoted field stays open, with the line ends of the file.
void RatingsReader::split_record() {
  if (splitter_.split(record_)) return;
  joined_ = record_;
  int lines = 1;
  do {
    joined_.append(lines_.line_end());
    std::string_view more;
    if (++lines > kMaxRecordLines || !lines_.next(more))
      throw InputError(
          fmt::format("{}: a quoted field is not closed; add the missing quote", place()));
    joined_.append(more);
  } while (!splitter_.split(joined_));
  record_ = joined_;
}

void RatingsReader::pick_fields() {
  split_record();
  const auto fields = splitter_.fields();
  if (fields.size() != columns_.fields)
    throw InputError(fmt::format("{}: expected {} columns as in the first line, found {}", place(),
                                 columns_.fields, fields.size()));
  for (std::size_t role = 0; role < kColumnRoles; ++role)
    if (columns_.position[role] != ColumnLayout::kAbsent)
      text_[role] = fields[static_cast<std::size_t>(columns_.position[role])];
  if (notes_.wants_more()) notes_.see(fields);
}

void RatingsReader::pick_members() {
  if (!read_json_fields(record_, keys_, json_))
    throw InputError(fmt::format(
        "{}: not a JSON object with user, item and rating as strings or numbers", place()));
  for (std::size_t role = 0; role < kColumnRoles; ++role) {
    if (!keys_[role].empty() && !json_.found[role])
      throw InputError(fmt::format("{}: the object has no member {} ({})", place(),
                                   shown(keys_[role]), kRoleNames[role]));
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
  const auto time = parse_time(text_[kTimeColumn], name_of(wanted_.decimal)[0]);
  if (!time)
    throw InputError(
        fmt::format("{}: the time '{}' is neither a number nor a date like 2021-08-19 12:00:00",
                    place(), shown(text_[kTimeColumn])));
  row.timestamp = *time;
}

float RatingsReader::checked_value(std::string_view text) const {
  const auto value = parse_float(text, name_of(wanted_.decimal)[0]);
  if (!value || !std::isfinite(*value))
    throw InputError(fmt::format("{}: the rating '{}' is not a {}number; {}", place(), shown(text),
                                 value ? "finite " : "", rating_advice(text)));
  const bool below = wanted_.min_value && *value < *wanted_.min_value;
  const bool above = wanted_.max_value && *value > *wanted_.max_value;
  if (below || above)
    throw InputError(fmt::format("{}: the rating {} is {} {} {}", place(), shown(text),
                                 below ? "below" : "above", below ? "--min-value" : "--max-value",
                                 below ? *wanted_.min_value : *wanted_.max_value));
  return *value;
}

std::string RatingsReader::rating_advice(std::string_view text) const {
  const char other = wanted_.decimal == DecimalMark::kComma ? '.' : ',';
  if (text.find(other) != std::string_view::npos && parse_float(text, other))
    return fmt::format("if it has a decimal '{0}', add --decimal {0}", other);
  return "correct the line, or name the right columns with --columns";
}

std::string RatingsReader::place() const {
  return fmt::format("{}:{}", lines_.path(), line_number());
}

}  // namespace siren::inline ingest
