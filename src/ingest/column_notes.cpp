// SPDX-License-Identifier: Apache-2.0
#include "ingest/column_notes.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/text.hpp"
#include "ingest/number_text.hpp"
#include "ingest/shown_text.hpp"

namespace siren::inline ingest {
namespace {

constexpr std::array<const char*, kColumnRoles> kRoleNames = {"user", "item", "rating", "time"};
constexpr std::size_t kMostListed = 8;  // unread columns that are named
constexpr std::size_t kShownOfName = 30;

bool is_whole_number(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// As a part of "3,5": one or two digits.
bool is_short_number(std::string_view text) {
  return text.size() <= 2 && is_whole_number(text);
}

}  // namespace

ColumnNotes::ColumnNotes(const ColumnLayout& layout, std::vector<std::string> names)
    : names_(std::move(names)),
      position_(layout.position),
      guessed_(layout.guessed),
      like_split_number_(layout.guessed && layout.format == TextFormat::kCsv &&
                         !layout.has_time() && names_.size() >= 4) {}

ColumnNotes::ColumnNotes(const KeyLayout& layout, std::vector<std::string> keys)
    : names_(std::move(keys)), keyed_(true) {
  for (std::size_t role = 0; role < kColumnRoles; ++role) {
    const auto at = std::find(names_.begin(), names_.end(), layout[role]);
    position_[role] = layout[role].empty() ? ColumnLayout::kAbsent
                                           : static_cast<std::int32_t>(at - names_.begin());
  }
}

void ColumnNotes::see(std::span<const std::string_view> fields) {
  if (seen_++ == 0) {
    first_.assign(fields.begin(), fields.end());
    like_time_.assign(fields.size(), true);
  }
  for (std::size_t column = 0; column < fields.size(); ++column)
    if (like_time_[column]) like_time_[column] = looks_like_time(fields[column]);
  first_is_number_ = first_is_number_ && is_whole_number(fields[0]);
  like_split_number_ =
      like_split_number_ && is_short_number(fields[2]) && is_short_number(fields[3]);
}

bool ColumnNotes::is_read(std::size_t column) const {
  return std::find(position_.begin(), position_.end(), static_cast<std::int32_t>(column)) !=
         position_.end();
}

std::string ColumnNotes::label(std::size_t column) const {
  const std::string name = shown(names_[column], kShownOfName);
  if (keyed_) return fmt::format("\"{}\"", name);
  return fmt::format("column {}{}", column + 1, name.empty() ? "" : fmt::format(" (\"{}\")", name));
}

bool ColumnNotes::like_line_numbers() const {
  return guessed_ && seen_ > 0 && columns() > 3 && first_is_number_ && !is_like_time(3);
}

std::string ColumnNotes::taken() const {
  std::vector<std::string> roles;
  for (std::size_t role = 0; role < kColumnRoles; ++role)
    roles.push_back(position_[role] == ColumnLayout::kAbsent
                        ? fmt::format("no {}", kRoleNames[role])
                        : fmt::format("{} = {}", kRoleNames[role],
                                      label(static_cast<std::size_t>(position_[role]))));
  std::vector<std::string> unread;
  for (std::size_t column = 0; column < names_.size(); ++column)
    if (!is_read(column)) unread.push_back(label(column));
  std::string text = fmt::format("{}", fmt::join(roles, ", "));
  if (unread.empty()) return text;
  const std::size_t listed = std::min(unread.size(), kMostListed);
  text += fmt::format("; left unread: {}", fmt::join(std::span(unread).first(listed), ", "));
  if (listed < unread.size()) text += fmt::format(" and {} more", unread.size() - listed);
  return text;
}

std::string ColumnNotes::unread_time() const {
  if (position_[kTimeColumn] != ColumnLayout::kAbsent) return {};
  for (std::size_t column = 0; column < names_.size(); ++column) {
    if (is_read(column) || !is_like_time(column)) continue;
    const std::string columns =
        fmt::format("{},{}", positions(), keyed_ ? names_[column] : std::to_string(column + 1));
    return fmt::format("{} looks like times (the first is {}): --columns {} reads it",
                       label(column), shown(first_[column]), shell_quoted(columns));
  }
  return {};
}

std::string ColumnNotes::split_number() const {
  return seen_ > 0 && like_split_number_ ? fmt::format("{},{}", first_[2], first_[3]) : "";
}

std::string ColumnNotes::positions() const {
  std::vector<std::string> columns;
  for (const std::int32_t at : position_)
    if (at != ColumnLayout::kAbsent)
      columns.push_back(keyed_ ? names_[static_cast<std::size_t>(at)] : std::to_string(at + 1));
  return fmt::format("{}", fmt::join(columns, ","));
}

std::string ColumnNotes::positions_behind_first() const {
  return names_.size() >= 5 && is_like_time(4) ? "2,3,4,5" : "2,3,4";
}

}  // namespace siren::inline ingest
