// SPDX-License-Identifier: Apache-2.0
// Original ids as users name them: "1,42" or a file with one a line.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "siren/comm/communicator.hpp"
#include "siren/data/id_map.hpp"

namespace siren {

/// Separated by commas, without blanks around them; InputError naming `option` if one is empty.
std::vector<std::string> split_ids(const std::string& option, const std::string& text);

/// One a line, plain or gzip, without blanks around them; empty lines do not count. InputError if
/// there are none.
std::vector<std::string> read_id_list(const std::string& path);

/// Collective; `read_wanted` and `read_table` are called on rank 0. The indices of the ids that the
/// table knows, ascending, each once. Those it does not know are counted and the first few named
/// on stderr. InputError if it knows none at all. `what` is "user" or "item".
std::vector<std::int32_t> find_ids(const Communicator& comm,
                                   const std::string& what,
                                   const std::function<std::vector<std::string>()>& read_wanted,
                                   const std::function<IdTable()>& read_table);

}  // namespace siren
