// SPDX-License-Identifier: Apache-2.0
#include "events/json.hpp"

#include <array>
#include <cmath>
#include <cstdint>
#include <exception>
#include <istream>
#include <limits>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/terminal.hpp"
#include "siren/error.hpp"

namespace siren::inline events {

using Json = nlohmann::ordered_json;

namespace {

constexpr std::size_t kLongestLine = std::size_t{64} << 20;
constexpr int kDeepest = 32;  // copies and prints of JSON call themselves

/// False at the end; a line without its end leaves `lines` at the end, too.
bool next_line(std::istream& lines, std::string& line) {
  std::array<char, 4096> piece{};
  line.clear();
  do {
    lines.clear(lines.rdstate() & ~std::ios::failbit);
    lines.getline(piece.data(), piece.size());
    const auto taken = static_cast<std::size_t>(lines.gcount());
    const bool ended = lines.good();  // the last one taken was the line end
    line.append(piece.data(), ended ? taken - 1 : taken);
    if (ended) return true;
    if (lines.eof() || lines.bad()) return !line.empty();
  } while (line.size() <= kLongestLine);
  throw InputError(fmt::format("a line of more than {} MB", kLongestLine >> 20));
}

bool is_deep(std::string_view line) {
  int depth = 0;
  bool text = false;
  for (std::size_t at = 0; at < line.size(); ++at) {
    const char c = line[at];
    if (text && c == '\\')
      ++at;
    else if (c == '"')
      text = !text;
    else if (!text && (c == '[' || c == '{') && ++depth > kDeepest)
      return true;
    else if (!text && (c == ']' || c == '}'))
      --depth;
  }
  return false;
}

}  // namespace

Json parse_json(std::string_view text) {
  if (is_deep(text)) throw InputError("nested too deep");
  return Json::parse(text);
}

std::string json_line(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string json_text(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace) + "\n";
}

void print_json(const Json& json, int indent) {
  const bool ascii_only = stdout_is_terminal();
  const std::string text = json.dump(indent, ' ', ascii_only, Json::error_handler_t::replace);
  fmt::print("{}\n", text);
}

std::int64_t whole_number(const Json& json) {
  const bool fits = json.is_number_integer() &&
                    (!json.is_number_unsigned() ||
                     json.get<std::uint64_t>() <=
                         static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()));
  if (!fits) throw InputError("a value is no whole number");
  return json.get<std::int64_t>();
}

std::int64_t count_number(const Json& json) {
  constexpr std::int64_t kMost = std::int64_t{1} << 53;
  const std::int64_t count = whole_number(json);
  if (count < 0 || count > kMost) throw InputError(fmt::format("{} is no count of a run", count));
  return count;
}

double real_number(const Json& json) {
  constexpr double kMost = 1e300;
  if (json.is_null()) return std::numeric_limits<double>::quiet_NaN();
  const auto value = json.get<double>();
  if (!(std::abs(value) < kMost)) throw InputError(fmt::format("{} is no figure of a run", value));
  return value;
}

std::int64_t count_or(const Json& json, const char* key, std::int64_t otherwise) {
  return json.contains(key) ? count_number(json.at(key)) : otherwise;
}

double real_or(const Json& json, const char* key, double otherwise) {
  return json.contains(key) ? real_number(json.at(key)) : otherwise;
}

std::string text_or(const Json& json, const char* key, std::string otherwise) {
  return json.contains(key) ? json.at(key).get<std::string>() : std::move(otherwise);
}

std::size_t ranks_in(const Json& json) {
  constexpr std::int64_t kMost = 1 << 24;
  const std::int64_t ranks = whole_number(json.at("ranks"));
  if (ranks < 0 || ranks > kMost) throw InputError(fmt::format("{} ranks", ranks));
  return static_cast<std::size_t>(ranks);
}

namespace {

template <class Value, class Convert>
std::vector<Value> values_of(const Json& json, std::size_t ranks, const Convert& convert) {
  std::vector<Value> values;
  for (const Json& value : json) values.push_back(convert(value));
  if (values.size() != ranks)
    throw InputError(fmt::format("{} values for {} ranks", values.size(), ranks));
  return values;
}

}  // namespace

std::vector<double> reals_of(const Json& json, std::size_t ranks) {
  return values_of<double>(json, ranks, real_number);
}

std::vector<std::int64_t> counts_of(const Json& json, std::size_t ranks) {
  return values_of<std::int64_t>(json, ranks, count_number);
}

bool each_line(std::istream& lines, const std::string& path,
               const std::function<void(const Json&)>& visit) {
  std::int64_t number = 0;
  for (std::string line;;) {
    ++number;
    bool ended = true;
    try {
      if (!next_line(lines, line)) return true;
      ended = !lines.eof();
      visit(parse_json(line));
    } catch (const Json::parse_error&) {
      if (!ended) return false;
      throw InputError(fmt::format("{}:{}: not a JSON object; the file is damaged", path, number));
    } catch (const std::exception& error) {
      throw InputError(
          fmt::format("{}:{}: not an event of siren train ({})", path, number, error.what()));
    }
  }
}

}  // namespace siren::inline events
