// SPDX-License-Identifier: Apache-2.0
// JSON objects, one a line: metrics.jsonl, and what commands print with --json.
#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <string>

#include <nlohmann/json_fwd.hpp>

namespace siren {

/// On one line, without its end. Bytes that are not UTF-8 (of a path) become U+FFFD.
std::string json_line(const nlohmann::ordered_json& json);

/// Over several lines, for results of their own; bytes likewise.
std::string json_text(const nlohmann::ordered_json& json, int indent);

/// To standard output, with an indent of -1 on one line. On a terminal every sign beyond ASCII is
/// escaped: the same JSON, and nothing that steers the terminal.
void print_json(const nlohmann::ordered_json& json, int indent);

/// InputError if it is another kind of value, or too large: to convert that would not be defined.
std::int64_t whole_number(const nlohmann::ordered_json& json);

/// Calls visit(event) for each line; `path` is for messages. A last line without its end is left
/// out: then the result is false. Any other line that is no JSON, or that `visit` cannot take, is
/// an InputError; so is one that is longer, or nested deeper, than any event.
bool each_event(std::istream& lines,
                const std::string& path,
                const std::function<void(const nlohmann::ordered_json&)>& visit);

}  // namespace siren
