// SPDX-License-Identifier: Apache-2.0
#include "core/text.hpp"

#include <array>
#include <cmath>

#include <fmt/format.h>

namespace siren::inline core {

namespace {

/// Of a valid UTF-8 sequence.
std::uint32_t code_point(std::string_view sequence) {
  constexpr std::array<std::uint32_t, 5> kLeadBits = {0, 0x7F, 0x1F, 0x0F, 0x07};
  std::uint32_t code = static_cast<std::uint8_t>(sequence.front()) & kLeadBits[sequence.size()];
  for (const char c : sequence.substr(1)) code = code << 6 | (static_cast<std::uint8_t>(c) & 0x3FU);
  return code;
}

void append_printable(std::string_view text, std::string& to) {
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    const std::string_view sequence = text.substr(0, length == 0 ? 1 : length);
    if (length > 0 && is_plain_sign(sequence))
      to += sequence;
    else if (length > 1)
      to += fmt::format("\\u{:04x}", code_point(sequence));
    else
      to += fmt::format("\\x{:02x}", static_cast<std::uint8_t>(sequence.front()));
    text.remove_prefix(sequence.size());
  }
}

}  // namespace

std::string human_bytes(std::int64_t bytes) {
  static constexpr std::array kUnits = {"B", "kB", "MB", "GB", "TB", "PB"};
  double value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (std::abs(value) >= (unit == 0 ? 1000.0 : 999.95) &&
         unit + 1 < kUnits.size()) {  // 999.95 prints as 1000.0
    value /= 1000.0;
    ++unit;
  }
  return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} {}", value, kUnits[unit]);
}

std::string grouped(std::int64_t number) {
  const auto bits = static_cast<std::uint64_t>(number);
  const std::string digits = fmt::format("{}", number < 0 ? 0 - bits : bits);
  std::string text = number < 0 ? "-" : "";
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

std::string human_seconds(double seconds) {
  if (seconds < 59.95) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<std::int64_t>(std::llround(seconds));
  if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02} min", whole / 3600, whole % 3600 / 60);
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t";
  const std::size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

std::string shell_quoted(std::string_view word) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./,:=+@%";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string_view::npos)
    return std::string(word);
  std::string escaped;
  for (const char c : word) escaped += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return fmt::format("'{}'", escaped);
}

std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t lead = byte(0);
  const std::size_t length = lead < 0x80                   ? 1
                             : lead >= 0xC2 && lead < 0xE0 ? 2
                             : lead >= 0xE0 && lead < 0xF0 ? 3
                             : lead >= 0xF0 && lead < 0xF5 ? 4
                                                           : 0;
  if (length == 0 || length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((byte(i) & 0xC0) != 0x80) return 0;
  const bool overlong = (lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xF0 && byte(1) < 0x90);
  const bool surrogate = lead == 0xED && byte(1) >= 0xA0;
  const bool beyond = lead == 0xF4 && byte(1) >= 0x90;
  return overlong || surrogate || beyond ? 0 : length;
}

bool is_plain_sign(std::string_view sequence) {
  const std::uint32_t code = code_point(sequence);
  const bool control = code < 0x20 || (code >= 0x7F && code < 0xA0);
  const bool line_or_direction =
      (code >= 0x2028 && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
  return !control && !line_or_direction;
}

std::string printable(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  append_printable(text, result);
  return result;
}

std::string printable_lines(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = text.find('\n', begin);
    append_printable(text.substr(begin, end - begin), result);
    if (end == std::string_view::npos) break;
    result += '\n';
    begin = end + 1;
  }
  return result;
}

}  // namespace siren::inline core
