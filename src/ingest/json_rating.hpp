// SPDX-License-Identifier: Apache-2.0
// One rating out of one JSON object, without building the whole object in memory.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "ingest/ratings_format.hpp"

namespace siren::inline ingest {

/// The texts of the wanted members of one object; numbers as they are written.
struct JsonFields {
  std::array<std::string, kColumnRoles> text;
  std::array<bool, kColumnRoles> found{};
};

/// Fills `fields` from the members of the outermost object named by `keys`; members of inner
/// objects do not count. False if the line is not one valid JSON object, or a wanted member is
/// neither a string nor a number.
bool read_json_fields(std::string_view line, const KeyLayout& keys, JsonFields& fields);

/// The member names of the outermost object, in order; empty if the line is not a valid JSON
/// object.
std::vector<std::string> json_keys(std::string_view line);

}  // namespace siren::inline ingest
