// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "siren/app/option_parser.hpp"
#include "siren/core/check.hpp"

namespace siren::inline app {

template <Number T>
std::string describe_range(Range<T> range) {
  std::string kind = std::is_floating_point_v<T> ? "number" : "whole number";
  const bool no_most = range.max == std::numeric_limits<T>::max();
  if (range.min == std::numeric_limits<T>::lowest() && no_most) return kind;
  if (no_most) return fmt::format("{} of at least {}", kind, range.min);
  return fmt::format("{} from {} to {}", kind, range.min, range.max);
}
template std::string describe_range(Range<std::int32_t>);
template std::string describe_range(Range<std::uint32_t>);
template std::string describe_range(Range<std::int64_t>);
template std::string describe_range(Range<float>);
template std::string describe_range(Range<double>);

CommandDescription OptionParser::describe() const {
  CommandDescription result{command_, synopsis_, summary_, {}};
  const auto add = [&](const Option& option, const std::string& section) {
    result.options.push_back({section, option.name, option.value_name, option.type,
                              fmt::format("{}", fmt::join(option.show(), ", ")), option.help});
  };
  for (const Option& option : options_)
    if (option.section != kCommonSection && !option.hidden) add(option, sections_[option.section]);
  for (const Option& option : options_)
    if (option.section == kCommonSection) add(option, "");
  result.options.push_back({"", kConfigOption, "FILE", "text", "", "options as key = value lines"});
  result.options.push_back({"", kHelpOption, "", "flag", "", "what this command does"});
  return result;
}

/// `siren help` asks for it, but nothing keeps people from asking, too.
bool OptionParser::print_description() const {
  const std::string name = text_of(kDescribeOption).value_or("");
  const auto format = reference_format_from(name);
  if (!format)
    throw InputError(
        fmt::format("--{} {}: unknown; see siren help --reference", kDescribeOption, name));
  std::fputs(reference_of(*format, describe()).c_str(), stdout);
  return false;
}

Settings OptionParser::settings() const {
  Settings settings;
  for (const Option& option : options_)
    for (const std::string& value : option.show())
      if (!value.empty()) settings.add(option.name, value);
  return settings;
}

namespace {

/// " [1024]", unless there is none or the text speaks of it.
std::string default_after(const std::string& help, const std::vector<std::string>& values) {
  const bool told = help.find("default") != std::string::npos;
  return told || values.size() != 1 || values[0].empty() ? "" : fmt::format(" [{}]", values[0]);
}

}  // namespace

std::string OptionParser::help() const {
  constexpr std::size_t kIndent = 2;
  std::size_t width = 0;
  for (const Option& option : options_)
    if (!option.hidden) width = std::max(width, option.name.size() + option.value_name.size() + 3);
  std::string result = fmt::format("usage: siren {} {}\n{}\n", command_, synopsis_, summary_);
  std::size_t section = sections_.size();
  const auto line = [&](const std::string& name, const std::string& value_name,
                        const std::string& help_text) {
    const std::string head =
        fmt::format("--{}{}{}", name, value_name.empty() ? "" : " ", value_name);
    result += fmt::format("{:{}}{:{}}  {}\n", "", kIndent, head, width, help_text);
  };
  for (const Option& option : options_) {
    if (option.section == kCommonSection || option.hidden) continue;
    if (option.section != section) result += fmt::format("{}:\n", sections_[option.section]);
    section = option.section;
    const bool has_value = !option.value_name.empty();
    line(option.name, option.value_name,
         option.help + (has_value ? default_after(option.help, option.show()) : ""));
  }
  for (const Option& option : options_)
    if (option.section == kCommonSection) line(option.name, option.value_name, option.help);
  line(kConfigOption, "FILE", "options as key = value lines; the command line wins");
  line(kHelpOption, "", "this text");
  return result;
}

}  // namespace siren::inline app
