// SPDX-License-Identifier: Apache-2.0
#include "core/settings.hpp"

#include <optional>
#include <utility>

#include <fmt/format.h>

#include "core/text.hpp"
#include "siren/error.hpp"

namespace siren::inline core {

namespace {

constexpr char kQuote = '"';

bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

std::string_view without_comment(std::string_view text) {
  for (std::size_t at = 0; at < text.size(); ++at)
    if (text[at] == '#' && (at == 0 || is_blank(text[at - 1]))) return trimmed(text.substr(0, at));
  return trimmed(text);
}

/// The value between the quotation marks at either end of `text`, where two of them stand for one.
/// Nothing if `text` is not of this form.
std::optional<std::string> unquoted(std::string_view text) {
  std::string value;
  for (std::size_t at = 1; at < text.size(); ++at) {
    if (text[at] != kQuote) {
      value += text[at];
      continue;
    }
    const bool doubled = at + 1 < text.size() && text[at + 1] == kQuote;
    if (!doubled && without_comment(text.substr(at + 1)).empty()) return value;
    value += kQuote;
    at += doubled ? 1 : 0;
  }
  return std::nullopt;
}

/// What stands behind the = of a line.
std::string parse_value(std::string_view text) {
  text = trimmed(text);
  if (!text.starts_with(kQuote)) return std::string(without_comment(text));
  if (std::optional<std::string> value = unquoted(text)) return *value;
  // Version 0.1.0 did not double the marks inside a value.
  const std::size_t last = text.rfind(kQuote);
  return std::string(last > 0 ? text.substr(1, last - 1) : without_comment(text));
}

std::string print_value(const Setting& setting) {
  const std::string& value = setting.value;
  if (value.find_first_of("\r\n") != std::string::npos)
    throw InputError(fmt::format("{} holds a line end, which a configuration file cannot keep: {}",
                                 setting.key, printable(value)));
  if (!value.empty() && parse_value(value) == value) return value;
  std::string quoted(1, kQuote);
  for (const char c : value) quoted += c == kQuote ? std::string(2, kQuote) : std::string(1, c);
  return quoted + kQuote;
}

}  // namespace

Settings Settings::parse(std::string_view text, std::string_view place) {
  Settings settings;
  for (std::int64_t number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    const std::string_view line = trimmed(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (without_comment(line).empty()) continue;
    const std::size_t equals = line.find('=');
    if (without_comment(line).find('=') == std::string_view::npos)
      throw InputError(fmt::format("{}:{}: expected key = value", place, number));
    settings.settings_.push_back({std::string(trimmed(line.substr(0, equals))),
                                  parse_value(line.substr(equals + 1)), number});
  }
  return settings;
}

void Settings::add(std::string key, std::string value) {
  settings_.push_back({std::move(key), std::move(value)});
}

std::string Settings::print() const {
  std::string text;
  for (const Setting& setting : settings_)
    text += fmt::format("{} = {}\n", setting.key, print_value(setting));
  return text;
}

std::string Settings::value_of(std::string_view key) const {
  std::string value;
  for (const Setting& setting : settings_)
    if (setting.key == key) value = setting.value;
  return value;
}

}  // namespace siren::inline core
