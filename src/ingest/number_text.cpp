// SPDX-License-Identifier: Apache-2.0
#include "ingest/number_text.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <limits>
#include <string>

namespace siren::inline ingest {
namespace {

/// Exactly `digits` digits at `at`.
std::optional<int> digits_at(std::string_view text, std::size_t at, std::size_t digits) {
  if (at + digits > text.size()) return std::nullopt;
  int value = 0;
  for (std::size_t i = at; i < at + digits; ++i) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    value = 10 * value + (text[i] - '0');
  }
  return value;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// hh:mm[:ss[.fraction]] at the front of `text`, which loses it.
std::optional<std::int64_t> take_clock(std::string_view& text) {
  const auto hours = digits_at(text, 0, 2);
  const auto minutes = digits_at(text, 3, 2);
  if (!hours || !minutes || text[2] != ':' || *hours > 23 || *minutes > 59) return std::nullopt;
  const std::int64_t clock = (*hours * 60 + *minutes) * 60;
  text.remove_prefix(5);
  if (!text.starts_with(':')) return clock;
  const auto seconds = digits_at(text, 1, 2);
  if (!seconds || *seconds > 60) return std::nullopt;
  text.remove_prefix(3);
  if (text.size() > 1 && (text[0] == '.' || text[0] == ',') && is_digit(text[1]))
    text.remove_prefix(static_cast<std::size_t>(
        std::find_if_not(text.begin() + 1, text.end(), is_digit) - text.begin()));
  return clock + *seconds;
}

/// Seconds that a zone is ahead of UTC; nothing if the text is no zone.
std::optional<std::int64_t> parse_zone(std::string_view text) {
  if (text.empty() || text == "Z" || text == "z" || text == " UTC") return 0;
  if (text.front() == ' ') text.remove_prefix(1);  // "12:00:00 +0200"
  if (text.empty() || (text.front() != '+' && text.front() != '-')) return std::nullopt;
  const bool colon = text.size() == 6 && text[3] == ':';
  if (text.size() != 3 && text.size() != 5 && !colon) return std::nullopt;
  const auto hours = digits_at(text, 1, 2);
  const auto minutes = text.size() == 3 ? 0 : digits_at(text, colon ? 4 : 3, 2);
  if (!hours || !minutes || *hours > 23 || *minutes > 59) return std::nullopt;
  const std::int64_t ahead = (*hours * 60 + *minutes) * 60;
  return text.front() == '-' ? -ahead : ahead;
}

std::optional<std::int64_t> parse_date(std::string_view text) {
  if (text.size() < 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  const auto year = digits_at(text, 0, 4);
  const auto month = digits_at(text, 5, 2);
  const auto day = digits_at(text, 8, 2);
  if (!year || !month || !day) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{*year},
                                         std::chrono::month{static_cast<unsigned>(*month)},
                                         std::chrono::day{static_cast<unsigned>(*day)}};
  if (!date.ok()) return std::nullopt;
  const std::int64_t midnight =
      std::int64_t{86400} * std::chrono::sys_days(date).time_since_epoch().count();
  if (text.size() == 10) return midnight;
  if (text[10] != ' ' && text[10] != 'T' && text[10] != 't') return std::nullopt;
  text.remove_prefix(11);
  const auto clock = take_clock(text);
  if (!clock) return std::nullopt;
  const auto ahead = parse_zone(text);
  if (!ahead) return std::nullopt;
  return midnight + *clock - *ahead;
}

/// The text with a point for its decimal comma; nothing if it has a point already.
std::optional<std::string> with_point(std::string_view text) {
  if (text.find('.') != std::string_view::npos) return std::nullopt;
  std::string result(text);
  std::replace(result.begin(), result.end(), ',', '.');
  return result;
}

}  // namespace

std::optional<float> parse_float(std::string_view text, char decimal) {
  if (decimal == ',') {
    const auto pointed = with_point(text);
    return pointed ? parse_float(*pointed) : std::nullopt;
  }
  if (text.starts_with('+')) {
    text.remove_prefix(1);
    if (text.starts_with('-')) return std::nullopt;
  }
  float value = 0.0F;
  const char* const stop = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), stop, value);
  if (error == std::errc::invalid_argument || end != stop) return std::nullopt;
  if (error == std::errc{}) return value + 0.0F;  // -0 and 0 are the same rating
  // Out of range: from_chars does not say on which side. Tiny numbers are zero in every sense here.
  double wide = 0.0;
  const auto [wide_end, wide_error] = std::from_chars(text.data(), stop, wide);
  if (wide_error == std::errc{} && std::abs(wide) < 1.0) return 0.0F;
  return std::numeric_limits<float>::infinity();
}

std::optional<std::int64_t> parse_time(std::string_view text, char decimal_mark) {
  if (const auto date = parse_date(text)) return date;
  if (decimal_mark == ',') {
    const auto pointed = with_point(text);
    return pointed ? parse_time(*pointed) : std::nullopt;
  }
  const char* const stop = text.data() + text.size();
  std::int64_t whole = 0;
  const auto [end, error] = std::from_chars(text.data(), stop, whole);
  if (error == std::errc{} && end == stop) return whole;
  double decimal = 0.0;
  const auto [decimal_end, decimal_error] = std::from_chars(text.data(), stop, decimal);
  constexpr double kLimit = 0x1p62;
  if (decimal_error != std::errc{} || decimal_end != stop || !(std::abs(decimal) < kLimit))
    return std::nullopt;
  return static_cast<std::int64_t>(std::floor(decimal));
}

bool looks_like_time(std::string_view text) {
  if (parse_date(text)) return true;
  const auto number = parse_time(text);
  if (!number) return false;
  constexpr std::int64_t kFrom = 631'152'000;  // 1990
  constexpr std::int64_t kTo = 4'102'444'800;  // 2100
  constexpr std::int64_t kNano = 1'000'000'000;
  for (std::int64_t unit = 1; unit <= kNano; unit *= 1000)
    if (*number / unit >= kFrom && *number / unit < kTo) return true;
  return false;
}

}  // namespace siren::inline ingest
