// SPDX-License-Identifier: Apache-2.0
#include "siren/data/number_text.hpp"

#include <charconv>
#include <chrono>
#include <cmath>
#include <limits>

namespace siren {
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

std::optional<std::int64_t> parse_clock(std::string_view text) {
  if (text.size() != 8 || text[2] != ':' || text[5] != ':') return std::nullopt;
  const auto hours = digits_at(text, 0, 2);
  const auto minutes = digits_at(text, 3, 2);
  const auto seconds = digits_at(text, 6, 2);
  if (!hours || !minutes || !seconds || *hours > 23 || *minutes > 59 || *seconds > 60)
    return std::nullopt;
  return (*hours * 60 + *minutes) * 60 + *seconds;
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
  if (text[10] != ' ' && text[10] != 'T') return std::nullopt;
  const auto clock = parse_clock(text.substr(11));
  if (!clock) return std::nullopt;
  return midnight + *clock;
}

}  // namespace

std::optional<float> parse_float(std::string_view text) {
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

std::optional<std::int64_t> parse_time(std::string_view text) {
  const char* const stop = text.data() + text.size();
  std::int64_t whole = 0;
  const auto [end, error] = std::from_chars(text.data(), stop, whole);
  if (error == std::errc{} && end == stop) return whole;
  double decimal = 0.0;
  const auto [decimal_end, decimal_error] = std::from_chars(text.data(), stop, decimal);
  if (decimal_error == std::errc{} && decimal_end == stop) {
    constexpr double kLimit = 0x1p62;
    if (!(std::abs(decimal) < kLimit)) return std::nullopt;
    return static_cast<std::int64_t>(std::floor(decimal));
  }
  return parse_date(text);
}

}  // namespace siren
