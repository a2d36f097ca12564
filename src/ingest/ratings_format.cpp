// SPDX-License-Identifier: Apache-2.0
#include "ingest/ratings_format.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "core/text.hpp"
#include "ingest/number_text.hpp"
#include "ingest/shown_text.hpp"
#include "siren/error.hpp"

namespace siren::inline ingest {
namespace {

constexpr std::array<std::string_view, kColumnRoles> kRoleNames = {"user", "item", "rating",
                                                                   "time"};

/// Names that are recognised without --columns, in order of preference, in lower case.
const std::array<std::vector<std::string_view>, kColumnRoles> kKnownNames = {{
    {"user", "user_id", "userid", "uid", "reviewerid", "reviewer_id", "u"},
    {"item", "item_id", "itemid", "iid", "business_id", "parent_asin", "asin", "movie_id",
     "movieid", "product_id", "book_id", "isbn", "i"},
    {"rating", "rating_value", "stars", "overall", "score", "value", "sign", "r"},
    {"timestamp", "time", "unix_time", "unixreviewtime", "date", "ts", "t"},
}};

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), [](unsigned char c) {
    return static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  });
  return result;
}

/// With either decimal mark: no column is named "3,5".
bool is_number(std::string_view text) {
  return parse_float(text, '.').has_value() || parse_float(text, ',').has_value();
}

/// 1-based position, if the text is nothing but digits.
std::optional<std::int32_t> as_position(std::string_view text) {
  std::int32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 1) return std::nullopt;
  return value;
}

/// A header field without the type that RecBole appends ("user_id:token") and without the mark that
/// some tools begin a header with ("# user").
std::string_view bare_name(std::string_view field) {
  if (field.starts_with('#')) field = trimmed(field.substr(1));
  return field.substr(0, field.find(':'));
}

std::int32_t find_name(std::span<const std::string_view> names, std::string_view wanted) {
  for (std::size_t at = 0; at < names.size(); ++at)
    if (names[at] == wanted || bare_name(names[at]) == wanted) return static_cast<std::int32_t>(at);
  return ColumnLayout::kAbsent;
}

std::int32_t find_known(std::span<const std::string_view> names, ColumnRole role) {
  for (const std::string_view known : kKnownNames[role])
    for (std::size_t at = 0; at < names.size(); ++at)
      if (lower(bare_name(names[at])) == known) return static_cast<std::int32_t>(at);
  return ColumnLayout::kAbsent;
}

/// Positions of the wanted columns among the names of a header or an object, or of the known names
/// if nothing was wanted.
std::array<std::int32_t, kColumnRoles> locate(const RatingsFormat& wanted,
                                              std::span<const std::string_view> names,
                                              const std::string& place) {
  std::array<std::int32_t, kColumnRoles> position{};
  position.fill(ColumnLayout::kAbsent);
  for (std::size_t role = 0; role < kColumnRoles; ++role) {
    if (wanted.columns.empty()) {
      position[role] = find_known(names, static_cast<ColumnRole>(role));
      if (position[role] == ColumnLayout::kAbsent && role != kTimeColumn)
        throw InputError(
            fmt::format("{}: no column is recognised as the {} among {}; name them with "
                        "--columns user,item,rating",
                        place, kRoleNames[role], shown_list(names)));
    } else if (role < wanted.columns.size()) {
      position[role] = find_name(names, wanted.columns[role]);
      if (position[role] == ColumnLayout::kAbsent)
        throw InputError(fmt::format("{}: there is no column {} (--columns); the columns are {}",
                                     place, wanted.columns[role], shown_list(names)));
    }
  }
  return position;
}

bool columns_are_positions(const RatingsFormat& wanted) {
  return !wanted.columns.empty() &&
         std::all_of(wanted.columns.begin(), wanted.columns.end(),
                     [](const std::string& column) { return as_position(column).has_value(); });
}

std::array<std::int32_t, kColumnRoles> numbered_positions(TextFormat format,
                                                          const RatingsFormat& wanted,
                                                          std::size_t fields,
                                                          const std::string& place) {
  std::array<std::int32_t, kColumnRoles> position{0, 1, 2, ColumnLayout::kAbsent};
  if (format == TextFormat::kMovieLens && fields >= 4) position[kTimeColumn] = 3;
  for (std::size_t role = 0; role < wanted.columns.size(); ++role)
    position[role] = *as_position(wanted.columns[role]) - 1;
  if (wanted.columns.size() == 3) position[kTimeColumn] = ColumnLayout::kAbsent;
  const std::int32_t last = *std::max_element(position.begin(), position.end());
  if (static_cast<std::size_t>(last) >= fields)
    throw InputError(
        fmt::format("{}: expected at least {} columns, found {}; check --format and --columns",
                    place, last + 1, fields));
  return position;
}

/// A header names its columns: nothing in it is a number. A first line whose rating alone is not a
/// number is a faulty rating, not a header.
bool looks_like_header(std::span<const std::string_view> fields) {
  return std::none_of(fields.begin(), fields.end(), is_number);
}

bool decide_header(TextFormat format, const RatingsFormat& wanted,
                   std::span<const std::string_view> fields, const std::string& place) {
  const bool by_name = !wanted.columns.empty() && !columns_are_positions(wanted);
  if (format == TextFormat::kInter || wanted.header == HeaderMode::kYes) return true;
  if (wanted.header == HeaderMode::kNo) {
    if (by_name)
      throw InputError(
          "--columns gives names, but --header no says that there is no line with names; "
          "give positions like 1,2,3");
    return false;
  }
  if (looks_like_header(fields)) return true;
  if (by_name)
    throw InputError(
        fmt::format("{}: --columns gives names, but the first line ({}) is not a header; "
                    "give positions like 1,2,3",
                    place, shown_list(fields)));
  return false;
}

/// By Delimiter.
constexpr std::array<std::string_view, 6> kSeparators = {"commas", "tabs",       "blanks",
                                                         "::",     "semicolons", "|"};

/// One field is never enough; what went wrong is rather the separator than the columns.
void check_separator(TextFormat format, std::span<const std::string_view> first_fields,
                     const std::string& place) {
  if (first_fields.size() != 1) return;
  throw InputError(fmt::format(
      "{}: the line '{}' does not seem to be separated by {}; --format {} may be wrong, or "
      "lines before the table need --skip-lines",
      place, shown(first_fields.front()),
      kSeparators[static_cast<std::size_t>(delimiter_of(format))], name_of(format)));
}

/// The line has as many fields as a rating at least.
bool separates(Delimiter delimiter, std::string_view line) {
  FieldSplitter splitter(delimiter);
  return splitter.split(line) && splitter.fields().size() >= 3;
}

std::string without_quoted_texts(std::string_view line) {
  std::string bare;
  bool quoted = false;
  for (const char c : line) {
    if (c == '"') quoted = !quoted;
    if (c != '"' && !quoted) bare += c;
  }
  return bare;
}

/// Between these delimiters every comma belongs to a number or to a quoted text.
bool explains_commas(Delimiter delimiter, std::string_view line) {
  const std::string bare = without_quoted_texts(line);
  FieldSplitter splitter(delimiter);
  splitter.split(bare);
  return std::all_of(splitter.fields().begin(), splitter.fields().end(),
                     [](std::string_view field) {
                       return field.find(',') == std::string_view::npos || is_number(field);
                     });
}

/// Between blanks the line is a rating as well, whose first three fields do not hold the mark:
/// "1 10 5 a|b|c".
bool blanks_explain(Delimiter mark, std::string_view line) {
  FieldSplitter splitter(Delimiter::kBlanks);
  if (!splitter.split(line) || splitter.fields().size() < 3) return false;
  const auto first = splitter.fields().first(3);
  const char sign = mark == Delimiter::kSemicolon ? ';' : '|';
  return is_number(first[2]) &&
         std::none_of(first.begin(), first.end(), [&](std::string_view field) {
           return field.find(sign) != std::string_view::npos;
         });
}

/// Whether a semicolon or bar separates the columns, though blanks may do so as well. InputError if
/// nothing tells.
bool beats_blanks(Delimiter mark, std::string_view line, const std::string& path) {
  if (!blanks_explain(mark, line)) return true;
  FieldSplitter splitter(mark);
  splitter.split(line);
  if (!is_number(splitter.fields()[2])) return false;
  throw InputError(
      fmt::format("{}: blanks or {} may separate the columns of '{}'; --format space or --format "
                  "{} tells which",
                  path, mark == Delimiter::kSemicolon ? "semicolons" : "bars", shown(line),
                  mark == Delimiter::kSemicolon ? "semicolon" : "pipe"));
}

}  // namespace

std::vector<std::string> parse_columns(std::string_view text) {
  FieldSplitter splitter(Delimiter::kComma);
  splitter.split(text);
  std::vector<std::string> columns;
  for (const std::string_view field : splitter.fields()) columns.emplace_back(field);
  const bool empty_name = std::find(columns.begin(), columns.end(), "") != columns.end();
  if (columns.size() < 3 || columns.size() > 4 || empty_name)
    throw InputError(
        fmt::format("--columns {}: expected user,item,rating or user,item,rating,time, by "
                    "name or by position from 1",
                    text));
  for (std::size_t at = 1; at < columns.size(); ++at)
    if (std::find(columns.begin(), columns.begin() + static_cast<std::ptrdiff_t>(at),
                  columns[at]) != columns.begin() + static_cast<std::ptrdiff_t>(at))
      throw InputError(fmt::format("--columns {}: {} is named twice", text, columns[at]));
  return columns;
}

TextFormat detect_format(const std::string& path, std::string_view first_line) {
  std::string_view name = path;
  if (name.ends_with(".gz")) name.remove_suffix(3);
  if (name.ends_with(".inter")) return TextFormat::kInter;
  if (trimmed(first_line).starts_with('{')) return TextFormat::kJsonLines;
  const bool commas = separates(Delimiter::kComma, first_line);
  for (const TextFormat format : {TextFormat::kMovieLens, TextFormat::kTsv, TextFormat::kSemicolon,
                                  TextFormat::kPipe, TextFormat::kCsv, TextFormat::kSpace}) {
    const Delimiter delimiter = delimiter_of(format);
    const bool rival = delimiter == Delimiter::kSemicolon || delimiter == Delimiter::kPipe;
    if (!separates(delimiter, first_line)) continue;
    if (rival && commas && !explains_commas(delimiter, first_line)) continue;
    if (rival && !beats_blanks(delimiter, first_line, path)) continue;
    return format;
  }
  throw InputError(
      fmt::format("{}: the format is not recognised from the line '{}'; expected three or more "
                  "columns (see --format), or leading lines to skip with --skip-lines",
                  path, shown(first_line)));
}

Delimiter delimiter_of(TextFormat format) {
  switch (format) {
    case TextFormat::kMovieLens:
      return Delimiter::kDoubleColon;
    case TextFormat::kTsv:
    case TextFormat::kInter:
      return Delimiter::kTab;
    case TextFormat::kSemicolon:
      return Delimiter::kSemicolon;
    case TextFormat::kPipe:
      return Delimiter::kPipe;
    case TextFormat::kSpace:
      return Delimiter::kBlanks;
    default:
      return Delimiter::kComma;
  }
}

ColumnLayout resolve_columns(TextFormat format, const RatingsFormat& wanted,
                             std::span<const std::string_view> first_fields,
                             const std::string& place) {
  ColumnLayout layout;
  layout.format = format;
  layout.fields = first_fields.size();
  check_separator(format, first_fields, place);
  layout.has_header = decide_header(format, wanted, first_fields, place);
  layout.guessed = !layout.has_header && wanted.columns.empty();
  const bool by_position = !layout.has_header || columns_are_positions(wanted);
  layout.position = by_position ? numbered_positions(format, wanted, layout.fields, place)
                                : locate(wanted, first_fields, place);
  return layout;
}

KeyLayout resolve_keys(const RatingsFormat& wanted, std::span<const std::string> keys,
                       const std::string& place) {
  if (columns_are_positions(wanted))
    throw InputError("--columns gives positions, but JSON objects have keys; give their names");
  const std::vector<std::string_view> names(keys.begin(), keys.end());
  const std::array<std::int32_t, kColumnRoles> position = locate(wanted, names, place);
  KeyLayout layout;
  for (std::size_t role = 0; role < kColumnRoles; ++role)
    if (position[role] != ColumnLayout::kAbsent)
      layout[role] = keys[static_cast<std::size_t>(position[role])];
  return layout;
}

}  // namespace siren::inline ingest
