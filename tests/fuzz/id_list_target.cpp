// SPDX-License-Identifier: Apache-2.0
// Ids that a user names: in a file, one a line, and on the command line.
#include "app/id_list.hpp"
#include "fuzz/target.hpp"

namespace siren::fuzz {

void try_input(Bytes input) {
  const std::string path = write_scratch("ids.txt", input);
  evaluate([&] {
    for (const std::string& id : read_id_list(path)) require(!id.empty(), "an id is empty");
  });
  evaluate([&] { split_ids("users", std::string(text_of(input))); });
  evaluate([&] {
    find_ids(alone(), {"user", "--ids", [&] { return read_id_list(path); },
                       [] {
                         return IdTable("1102", {0, 1, 3, 4}, false);
                       }});
  });
}

}  // namespace siren::fuzz
