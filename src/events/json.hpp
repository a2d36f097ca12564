// SPDX-License-Identifier: Apache-2.0
// JSON objects, one a line: metrics.jsonl, and what commands print with --json. And the values in
// them, which somebody may have changed: a value of another kind or size is an InputError.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace siren::inline events {

/// On one line, without its end. Bytes that are not UTF-8 (of a path) become U+FFFD.
std::string json_line(const nlohmann::ordered_json& json);

/// Over several lines, for results of their own; bytes likewise.
std::string json_text(const nlohmann::ordered_json& json, int indent);

/// To standard output, with an indent of -1 on one line. On a terminal every sign beyond ASCII is
/// escaped: the same JSON, and nothing that steers the terminal.
void print_json(const nlohmann::ordered_json& json, int indent);

/// InputError if nested deeper than anything of ours, for copies of such call themselves;
/// nlohmann::json::parse_error if it is no JSON.
nlohmann::ordered_json parse_json(std::string_view text);

/// Within the range of the type: to convert another would not be defined.
std::int64_t whole_number(const nlohmann::ordered_json& json);
/// Likewise, from 0 to 2^53: no count of a run is larger.
std::int64_t count_number(const nlohmann::ordered_json& json);
/// null stands for NaN. Sums of real numbers of a run do not overflow.
double real_number(const nlohmann::ordered_json& json);
/// The value of a key, or another if there is no such key.
std::int64_t count_or(const nlohmann::ordered_json& json, const char* key, std::int64_t otherwise);
double real_or(const nlohmann::ordered_json& json, const char* key, double otherwise);
std::string text_or(const nlohmann::ordered_json& json, const char* key, std::string otherwise);

/// Of the key "ranks": how many there are.
std::size_t ranks_in(const nlohmann::ordered_json& json);
/// A value of each rank.
std::vector<double> reals_of(const nlohmann::ordered_json& json, std::size_t ranks);
std::vector<std::int64_t> counts_of(const nlohmann::ordered_json& json, std::size_t ranks);

/// Calls visit(event) for each line; `path` is for messages. A last line without its end is left
/// out: then the result is false. Any other line that is no JSON, or that `visit` cannot take, is
/// an InputError; so is one that is longer, or nested deeper, than any event.
bool each_line(std::istream& lines, const std::string& path,
               const std::function<void(const nlohmann::ordered_json&)>& visit);

}  // namespace siren::inline events
