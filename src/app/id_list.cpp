// SPDX-License-Identifier: Apache-2.0
#include "siren/app/id_list.hpp"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "siren/core/error.hpp"
#include "siren/core/log.hpp"
#include "siren/core/text.hpp"
#include "siren/data/line_reader.hpp"

namespace siren {

namespace {

constexpr std::size_t kNamed = 5;  // unknown ids that are named

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

}  // namespace

std::vector<std::string> split_ids(const std::string& option, const std::string& text) {
  std::vector<std::string> ids;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    ids.emplace_back(trimmed(std::string_view(text).substr(begin, end - begin)));
    if (ids.back().empty())
      throw InputError(fmt::format("--{} {}: an id is empty; write, e.g., 1,42", option, text));
    begin = end + 1;
  }
  return ids;
}

std::vector<std::string> read_id_list(const std::string& path) {
  std::vector<std::string> ids;
  LineReader lines(path);
  std::string_view line;
  while (lines.next(line))
    if (const std::string_view id = trimmed(line); !id.empty()) ids.emplace_back(id);
  if (ids.empty())
    throw InputError(fmt::format("{}: no ids in it; it should have one a line", path));
  return ids;
}

std::vector<std::int32_t> find_ids(const Communicator& comm,
                                   const std::string& what,
                                   const std::function<std::vector<std::string>()>& read_wanted,
                                   const std::function<IdTable()>& read_table) {
  std::vector<std::int32_t> known;
  agree_on_input(comm, [&] {
    if (!comm.is_root()) return;
    const std::vector<std::string> wanted = read_wanted();
    const IdTable table = read_table();
    std::vector<std::string> unknown;
    std::size_t unknown_count = 0;
    for (const std::string& id : wanted) {
      if (const std::optional<std::int32_t> index = table.find(id)) {
        known.push_back(*index);
        continue;
      }
      if (++unknown_count <= kNamed) unknown.push_back(fmt::format("'{}'", id));
    }
    const std::string named =
        fmt::format("{}{}", fmt::join(unknown, ", "), unknown_count > kNamed ? ", ..." : "");
    if (known.empty())
      throw InputError(
          fmt::format("the data set knows none of the {}s asked for: {}; give their "
                      "ids as in the ratings",
                      what, named));
    if (unknown_count > 0)
      spdlog::warn("{} of {} {}s are unknown and left out: {}",
                   grouped(static_cast<std::int64_t>(unknown_count)), grouped(std::ssize(wanted)),
                   what, named);
  });
  std::sort(known.begin(), known.end());
  known.erase(std::unique(known.begin(), known.end()), known.end());
  comm.broadcast(known);
  return known;
}

}  // namespace siren
