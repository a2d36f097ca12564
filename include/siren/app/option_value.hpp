// SPDX-License-Identifier: Apache-2.0
// The text given for an option, and what it may mean.
#pragma once

#include <limits>
#include <string>
#include <string_view>
#include <type_traits>

#include "siren/core/error.hpp"

namespace siren::inline app {

template <class T>
concept Number = std::is_arithmetic_v<T>;

/// Numbers from min to max, both included.
template <Number T>
struct Range {
  T min = std::numeric_limits<T>::lowest();
  T max = std::numeric_limits<T>::max();
};

/// What was given for one option, and where: "--folds" or "run.ini:7: folds".
struct OptionText {
  std::string text;
  std::string place;
};

/// true|yes|1 or false|no|0; InputError otherwise.
bool parse_bool(const OptionText& option);

/// The number in `option`; InputError if it is none, or outside the range. T: int32, uint32, int64,
/// float, double.
template <Number T>
T parse_number(const OptionText& option, Range<T> range);

/// The value that `from` (std::string_view to std::optional) gives for the text; InputError listing
/// the names if it gives none.
template <class From>
auto parse_choice(const OptionText& option, From from, const std::string& names) {
  const auto value = from(std::string_view(option.text));
  if (!value) throw InputError(option.place + " " + option.text + ": expected one of " + names);
  return *value;
}

}  // namespace siren::inline app
