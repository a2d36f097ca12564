// SPDX-License-Identifier: Apache-2.0
// What a ratings file looks like: its syntax, and where in a line user, item, rating and time
// stand.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ingest/field_splitter.hpp"
#include "siren/named_enum.hpp"

namespace siren::inline ingest {

/// kSemicolon, kPipe: as kCsv, with another separator. kMovieLens: "::" between fields, the fourth
/// is the time. kInter: tabs, first line of name:type pairs (RecBole). kJsonLines: one JSON object
/// per line (Amazon and Yelp reviews).
enum class TextFormat {
  kAuto,
  kCsv,
  kTsv,
  kSemicolon,
  kPipe,
  kSpace,
  kMovieLens,
  kInter,
  kJsonLines
};
constexpr std::array<std::string_view, 9> enum_names(TextFormat) {
  return {"auto", "csv", "tsv", "semicolon", "pipe", "space", "movielens", "inter", "jsonl"};
}
enum class HeaderMode { kAuto, kYes, kNo };
constexpr std::array<std::string_view, 3> enum_names(HeaderMode) {
  return {"auto", "yes", "no"};
}
/// What stands between the whole part and the fraction of a number.
enum class DecimalMark { kPoint, kComma };
constexpr std::array<std::string_view, 2> enum_names(DecimalMark) {
  return {".", ","};
}

/// What the user said about the input.
struct RatingsFormat {
  TextFormat format = TextFormat::kAuto;
  HeaderMode header = HeaderMode::kAuto;
  DecimalMark decimal = DecimalMark::kPoint;
  std::vector<std::string>
      columns;                  // user, item, rating[, time] by name or 1-based position; or none
  std::int64_t skip_lines = 0;  // lines before the header or the first rating
  std::optional<float> min_value;  // ratings outside are an error
  std::optional<float> max_value;
};

enum ColumnRole : std::size_t {
  kUserColumn,
  kItemColumn,
  kRatingColumn,
  kTimeColumn,
  kColumnRoles
};

/// Where the columns are in a delimited file.
struct ColumnLayout {
  static constexpr std::int32_t kAbsent = -1;

  TextFormat format = TextFormat::kCsv;
  bool has_header = false;
  bool guessed = false;    // the first columns as they stand: neither header nor --columns name any
  std::size_t fields = 0;  // every line has as many
  std::array<std::int32_t, kColumnRoles> position{kAbsent, kAbsent, kAbsent, kAbsent};

  bool has_time() const { return position[kTimeColumn] != kAbsent; }
};

/// The keys of the columns in a JSON file; an empty time key means none.
using KeyLayout = std::array<std::string, kColumnRoles>;

/// "user,item,rating" or "1,2,3,4": three or four names or positions. InputError otherwise.
std::vector<std::string> parse_columns(std::string_view text);

/// Recognises the syntax from the first line and the file name. Where several separators fit, the
/// one that makes sense of the others: "1;2;3,5" is three fields. InputError if nothing fits.
TextFormat detect_format(const std::string& path, std::string_view first_line);

Delimiter delimiter_of(TextFormat format);

/// Finds the columns from the first line's fields. `place` ("file:line") begins the error messages.
ColumnLayout resolve_columns(TextFormat format, const RatingsFormat& wanted,
                             std::span<const std::string_view> first_fields,
                             const std::string& place);

/// Finds the keys of a JSON file from those of its first object.
KeyLayout resolve_keys(const RatingsFormat& wanted, std::span<const std::string> keys,
                       const std::string& place);

}  // namespace siren::inline ingest
