// SPDX-License-Identifier: Apache-2.0
#include "siren/app/option_value.hpp"

#include <charconv>
#include <cmath>
#include <cstdint>

#include <fmt/format.h>

namespace siren::inline app {

bool parse_bool(const OptionText& option) {
  if (option.text == "true" || option.text == "yes" || option.text == "1") return true;
  if (option.text == "false" || option.text == "no" || option.text == "0") return false;
  throw InputError(fmt::format("{} {}: expected true or false", option.place, option.text));
}

template <Number T>
T parse_number(const OptionText& option, Range<T> range) {
  T value{};
  const std::string_view text = option.text;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool is_number = error != std::errc::invalid_argument && end == text.data() + text.size();
  bool fits = error == std::errc{} && value >= range.min && value <= range.max;
  if constexpr (std::is_floating_point_v<T>) fits = fits && std::isfinite(value);
  if (is_number && fits) return value;
  const char* kind = std::is_floating_point_v<T> ? "a number" : "a whole number";
  const bool bounded =
      range.min > std::numeric_limits<T>::lowest() || range.max < std::numeric_limits<T>::max();
  if (!bounded) throw InputError(fmt::format("{} {}: expected {}", option.place, text, kind));
  if (range.max == std::numeric_limits<T>::max())
    throw InputError(
        fmt::format("{} {}: expected {} of at least {}", option.place, text, kind, range.min));
  throw InputError(fmt::format("{} {}: expected {} from {} to {}", option.place, text, kind,
                               range.min, range.max));
}

template std::int32_t parse_number(const OptionText&, Range<std::int32_t>);
template std::uint32_t parse_number(const OptionText&, Range<std::uint32_t>);
template std::int64_t parse_number(const OptionText&, Range<std::int64_t>);
template float parse_number(const OptionText&, Range<float>);
template double parse_number(const OptionText&, Range<double>);

}  // namespace siren::inline app
