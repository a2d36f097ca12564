// SPDX-License-Identifier: Apache-2.0
#include "siren/io/json_lines.hpp"

#include <cstdint>
#include <exception>
#include <istream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "siren/core/error.hpp"
#include "siren/core/terminal.hpp"

namespace siren {

using Json = nlohmann::ordered_json;

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

bool each_event(std::istream& lines,
                const std::string& path,
                const std::function<void(const Json&)>& visit) {
  std::int64_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    const bool ended = !lines.eof();
    try {
      visit(Json::parse(line));
    } catch (const Json::parse_error&) {
      if (!ended) return false;
      throw InputError(fmt::format("{}:{}: not a JSON object; the file is damaged", path, number));
    } catch (const std::exception& error) {
      throw InputError(
          fmt::format("{}:{}: not an event of siren train ({})", path, number, error.what()));
    }
  }
  return true;
}

}  // namespace siren
