// SPDX-License-Identifier: Apache-2.0
#include "app/id_list.hpp"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/log.hpp"
#include "core/text.hpp"
#include "ingest/line_reader.hpp"
#include "siren/error.hpp"

namespace siren::inline app {

namespace {

constexpr std::size_t kNamed = 5;  // unknown ids that are named

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
  return ids;
}

std::vector<std::int32_t> find_ids(const Communicator& comm, const IdQuery& query) {
  std::vector<std::int32_t> known;
  agree_on_input(comm, [&] {
    if (!comm.is_root()) return;
    const std::vector<std::string> wanted = query.read_wanted();
    const bool choose = query.use == IdUse::kChoose;
    if (wanted.empty() && choose)
      throw InputError(fmt::format("{}: no ids in it; it should have one a line", query.option));
    const IdTable table = query.read_table();
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
    if (known.empty() && choose)
      throw InputError(
          fmt::format("{}: the data set knows none of the {}s asked for: {}; give their "
                      "ids as in the ratings{}",
                      query.option, query.what, named, query.hint));
    if (unknown_count > 0)
      spdlog::warn("{}: {} of {} {}s are unknown and left out: {}{}", query.option,
                   grouped(static_cast<std::int64_t>(unknown_count)), grouped(std::ssize(wanted)),
                   query.what, named, query.hint);
  });
  std::sort(known.begin(), known.end());
  known.erase(std::unique(known.begin(), known.end()), known.end());
  comm.broadcast(known);
  return known;
}

}  // namespace siren::inline app
