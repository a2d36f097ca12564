// SPDX-License-Identifier: Apache-2.0
// Arguments of `train` and `cv`, one a line.
#include <string>
#include <vector>

#include "app/train_command.hpp"
#include "fuzz/target.hpp"

namespace siren::fuzz {

void try_input(Bytes input) {
  std::vector<std::string> arguments;
  std::string_view text = text_of(input);
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    arguments.emplace_back(line.substr(0, line.find('\0')));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  evaluate([&] { check_train_options(arguments); });
}

}  // namespace siren::fuzz
