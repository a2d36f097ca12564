// SPDX-License-Identifier: Apache-2.0
// Original ids as users name them: "1,42" or a file with one a line.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "data/id_map.hpp"
#include "siren/communicator.hpp"

namespace siren::inline app {

/// Separated by commas, without blanks around them; InputError naming `option` if one is empty.
std::vector<std::string> split_ids(const std::string& option, const std::string& text);

/// One a line, plain or gzip, without blanks around them; empty lines do not count.
std::vector<std::string> read_id_list(const std::string& path);

/// What a list of ids is for: one that leaves things out may be empty, or hold unknown ids only.
enum class IdUse { kChoose, kLeaveOut };

struct IdQuery {
  std::string what;                                       // "user", "item"
  std::string option;                                     // "--users-from ids.txt", for messages
  std::function<std::vector<std::string>()> read_wanted;  // called on rank 0
  std::function<IdTable()> read_table;                    // likewise
  IdUse use = IdUse::kChoose;
  std::string hint = {};  // what to do if ids are unknown, besides looking at the ratings
};

/// Collective. The indices of the ids that the table knows, ascending, each once. Those it does not
/// know are counted and the first few named on stderr. InputError if there is none to choose.
std::vector<std::int32_t> find_ids(const Communicator& comm, const IdQuery& query);

}  // namespace siren::inline app
