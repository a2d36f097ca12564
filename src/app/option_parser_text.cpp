// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "siren/app/option_parser.hpp"

namespace siren {

std::string OptionParser::config_text() const {
  std::string result;
  for (const Option& option : options_)
    for (const std::string& value : option.show())
      if (!value.empty()) result += fmt::format("{} = {}\n", option.name, value);
  return result;
}

std::string OptionParser::help() const {
  constexpr std::size_t kIndent = 2;
  std::size_t width = 0;
  for (const Option& option : options_)
    width = std::max(width, option.name.size() + option.value_name.size() + 3);
  std::string result = fmt::format("usage: siren {} {}\n{}\n", command_, synopsis_, summary_);
  std::size_t section = sections_.size();
  const auto line = [&](const std::string& name, const std::string& value_name,
                        const std::string& help_text) {
    const std::string head =
        fmt::format("--{}{}{}", name, value_name.empty() ? "" : " ", value_name);
    result += fmt::format("{:{}}{:{}}  {}\n", "", kIndent, head, width, help_text);
  };
  for (const Option& option : options_) {
    if (option.section == kCommonSection) continue;
    if (option.section != section) result += fmt::format("{}:\n", sections_[option.section]);
    section = option.section;
    line(option.name, option.value_name, option.help);
  }
  for (const Option& option : options_)
    if (option.section == kCommonSection) line(option.name, option.value_name, option.help);
  line(kConfigOption, "FILE", "options as key = value lines; the command line wins");
  line(kHelpOption, "", "this text");
  return result;
}

}  // namespace siren
