// SPDX-License-Identifier: Apache-2.0
#include "app/option_parser.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

#include <boost/program_options.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/log.hpp"
#include "ingest/line_reader.hpp"
#include "siren/check.hpp"
#include "siren/error.hpp"

namespace siren::inline app {

bool parse_bool(const OptionText& option) {
  if (option.text == "true" || option.text == "yes" || option.text == "1") return true;
  if (option.text == "false" || option.text == "no" || option.text == "0") return false;
  throw InputError(fmt::format("{} {}: expected true or false", option.place, option.text));
}

template <Number T>
T parse_number(const OptionText& option, Range<T> range) {
  T value{};
  const std::string_view text = option.text;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool is_number = error != std::errc::invalid_argument && end == text.data() + text.size();
  bool fits = error == std::errc{} && value >= range.min && value <= range.max;
  if constexpr (std::is_floating_point_v<T>) fits = fits && std::isfinite(value);
  if (is_number && fits) return value;
  const char* kind = std::is_floating_point_v<T> ? "a number" : "a whole number";
  const bool bounded =
      range.min > std::numeric_limits<T>::lowest() || range.max < std::numeric_limits<T>::max();
  if (!bounded) throw InputError(fmt::format("{} {}: expected {}", option.place, text, kind));
  if (range.max == std::numeric_limits<T>::max())
    throw InputError(
        fmt::format("{} {}: expected {} of at least {}", option.place, text, kind, range.min));
  throw InputError(fmt::format("{} {}: expected {} from {} to {}", option.place, text, kind,
                               range.min, range.max));
}

template std::int32_t parse_number(const OptionText&, Range<std::int32_t>);
template std::uint32_t parse_number(const OptionText&, Range<std::uint32_t>);
template std::int64_t parse_number(const OptionText&, Range<std::int64_t>);
template float parse_number(const OptionText&, Range<float>);
template double parse_number(const OptionText&, Range<double>);

namespace {

namespace po = boost::program_options;

constexpr const char* kPositional = "";

[[noreturn]] void unknown_option(const std::string& place, const std::string& command) {
  throw InputError(
      fmt::format("{} is not an option of siren {}; see siren {} --help", place, command, command));
}

/// In `info --json FILE` the file is no value of the flag, which has one only as `--json=false` or
/// `--json false`.
bool is_beside(const po::option& flag) {
  constexpr std::array<std::string_view, 6> kValues = {"true", "false", "yes", "no", "1", "0"};
  return flag.original_tokens.size() == 2 &&
         std::find(kValues.begin(), kValues.end(), flag.value.front()) == kValues.end();
}

/// As LineReader has them: also out of a gz file.
std::string text_of_lines(const std::string& path) {
  std::string text;
  LineReader lines(path);
  for (std::string_view line; lines.next(line);) text.append(line) += '\n';
  return text;
}

}  // namespace

OptionParser::OptionParser(std::string command, std::string synopsis, std::string summary)
    : command_(std::move(command)), synopsis_(std::move(synopsis)), summary_(std::move(summary)) {
  declare_messages();
}

/// Of every command; never part of a run's configuration.
void OptionParser::declare_messages() {
  const auto nothing = [] { return std::string(); };
  const auto set_level = [](const OptionText& option) {
    if (!is_log_level(option.text))
      throw InputError(
          fmt::format("{} {}: expected one of error|warn|info|debug", option.place, option.text));
    set_log_level(option.text);
  };
  const auto be_quiet = [](const OptionText& option) {
    if (parse_bool(option)) set_log_level("warn");
  };
  custom("quiet", be_quiet, nothing, "", "no messages but warnings, no progress bar");
  custom("log-level", set_level, nothing, "LEVEL", "error|warn|info|debug (default info)");
  for (Option& option : options_) option.section = kCommonSection;
}

void OptionParser::section(const std::string& title) {
  sections_.push_back(title);
}

OptionParser::Declared OptionParser::declare(Option option) {
  SIREN_ASSERT(find(option.name) == nullptr, "option {} declared twice", option.name);
  if (sections_.empty()) section("Options");
  option.section = sections_.size() - 1;
  option.hidden = hiding_;
  options_.push_back(std::move(option));
  return Declared(options_.back().on_resume);
}

void OptionParser::hide(std::string_view name) {
  const auto at = std::find_if(options_.begin(), options_.end(),
                               [&](const Option& o) { return o.name == name; });
  SIREN_ASSERT(at != options_.end(), "no option {}", name);
  at->hidden = true;
}

void OptionParser::show(std::string_view name) {
  const auto at = std::find_if(options_.begin(), options_.end(),
                               [&](const Option& o) { return o.name == name; });
  SIREN_ASSERT(at != options_.end(), "no option {}", name);
  at->hidden = false;
}

const OptionParser::Option* OptionParser::find(std::string_view name) const {
  const auto at = std::find_if(options_.begin(), options_.end(),
                               [&](const Option& o) { return o.name == name; });
  return at == options_.end() ? nullptr : &*at;
}

OptionParser::Declared OptionParser::custom(const std::string& name,
                                            std::function<void(const OptionText&)> set,
                                            std::function<std::string()> show,
                                            const std::string& value_name, const std::string& help,
                                            const std::string& type_name) {
  const std::string type = !type_name.empty()                          ? type_name
                           : value_name.empty()                        ? "flag"
                           : value_name.find('|') != std::string::npos ? "choice"
                                                                       : "text";
  return declare_one({name, value_name, help, type, 0, false, {}, {}}, std::move(set),
                     std::move(show));
}

OptionParser::Declared OptionParser::declare_one(Option option,
                                                 std::function<void(const OptionText&)> set,
                                                 std::function<std::string()> show) {
  option.set = [set = std::move(set)](const std::vector<OptionText>& given) { set(given.back()); };
  option.show = [show = std::move(show)] { return std::vector<std::string>{show()}; };
  return declare(std::move(option));
}

OptionParser::Declared OptionParser::text(const std::string& name, std::string& target,
                                          const std::string& value_name, const std::string& help) {
  return custom(
      name, [&target](const OptionText& option) { target = option.text; },
      [&target] { return target; }, value_name, help);
}

OptionParser::Declared OptionParser::flag(const std::string& name, bool& target,
                                          const std::string& help) {
  return custom(
      name, [&target](const OptionText& option) { target = parse_bool(option); },
      [&target] { return std::string(target ? "true" : "false"); }, "", help);
}

OptionParser::Declared OptionParser::list(const std::string& name, std::vector<std::string>& target,
                                          const std::string& value_name, const std::string& help) {
  const auto set = [&target](const std::vector<OptionText>& given) {
    target.clear();
    for (const OptionText& option : given) target.push_back(option.text);
  };
  return declare(
      {name, value_name, help, "text, repeatable", 0, true, set, [&target] { return target; }});
}

void OptionParser::positional(const std::string& value_name, std::string& target) {
  positional_name_ = value_name;
  positional_ = &target;
}

void OptionParser::positional(const std::string& value_name, std::vector<std::string>& targets) {
  positional_name_ = value_name;
  positionals_ = &targets;
}

OptionParser::Given OptionParser::parse_command_line(std::span<const std::string> args) const {
  po::options_description description;
  for (const Option& option : options_) {
    auto* value = po::value<std::vector<std::string>>();
    if (option.value_name.empty()) value->implicit_value({"true"}, "true");
    description.add_options()(option.name.c_str(), value, "");
  }
  description.add_options()(kHelpOption, "")(kConfigOption, po::value<std::string>(), "")(
      kDescribeOption, po::value<std::string>(), "");
  const int style = po::command_line_style::default_style &
                    ~po::command_line_style::allow_guessing & ~po::command_line_style::allow_short;
  Given given;
  try {
    po::command_line_parser parser(std::vector<std::string>(args.begin(), args.end()));
    const po::parsed_options parsed = parser.options(description).style(style).run();
    for (const po::option& option : parsed.options) {
      const bool no_name = option.position_key >= 0 || option.string_key.empty();
      if (no_name && option.value.front() == "-h") given[kHelpOption];
      std::vector<OptionText>& texts = given[no_name ? kPositional : option.string_key];
      if (option.value.empty()) texts.push_back({"true", "--" + option.string_key});
      const Option* declared = find(option.string_key);
      const bool is_flag = !no_name && declared != nullptr && declared->value_name.empty();
      if (is_flag && is_beside(option)) {
        texts.push_back({"true", "--" + option.string_key});
        given[kPositional].push_back({option.value.front(), option.value.front()});
        continue;
      }
      for (const std::string& value : option.value)
        texts.push_back({value, "--" + option.string_key});
    }
  } catch (const po::unknown_option& error) {
    unknown_option(error.get_option_name(), command_);
  } catch (const po::error& error) {
    throw InputError(fmt::format("{}; see siren {} --help", error.what(), command_));
  }
  return given;
}

OptionParser::Given OptionParser::parse_config_file(const std::string& path) const {
  Given given;
  const Settings settings = Settings::parse(text_of_lines(path), path);
  for (const Setting& setting : settings.all()) {
    const std::string& key = setting.key;
    const std::string place = fmt::format("{}:{}", path, setting.line);
    const Option* option = find(key);
    if (option == nullptr) unknown_option(fmt::format("{}: {}", place, key), command_);
    std::vector<OptionText>& texts = given[key];
    if (!texts.empty() && !option->repeatable)
      throw InputError(fmt::format("{}: {} is given a second time", place, key));
    if (setting.value.empty()) throw InputError(fmt::format("{}: {} has no value", place, key));
    texts.push_back({setting.value, fmt::format("{}: {}", place, key)});
  }
  return given;
}

bool OptionParser::parse(std::span<const std::string> args) {
  given_ = parse_command_line(args);
  if (given_.contains(kHelpOption)) {
    std::fputs(help().c_str(), stdout);
    return false;
  }
  if (given_.contains(kDescribeOption)) return print_description();
  for (const auto& [name, texts] : given_) {
    const Option* option = find(name);
    const bool repeatable = option != nullptr ? option->repeatable : positionals_ != nullptr;
    if (name == kPositional && positional_ == nullptr && positionals_ == nullptr)
      throw InputError(
          fmt::format("'{}' is not understood: siren {} takes options only; see siren {} --help",
                      texts.front().text, command_, command_));
    if (texts.size() > 1 && !repeatable)
      throw InputError(
          name == kPositional
              ? fmt::format("'{}': only one {} is expected", texts[1].text, positional_name_)
              : fmt::format("--{} is given {} times", name, texts.size()));
  }
  const std::optional<std::string> config = text_of(kConfigOption);
  if (config) given_.merge(parse_config_file(*config));
  return true;
}

std::optional<std::string> OptionParser::text_of(const std::string& name) const {
  const auto at = given_.find(name);
  if (at == given_.end()) return std::nullopt;
  return at->second.back().text;
}

bool OptionParser::on_command_line(const std::string& name) const {
  const auto at = given_.find(name);
  return at != given_.end() && at->second.back().place == "--" + name;
}

std::vector<std::string> OptionParser::given_names() const {
  std::vector<std::string> names;
  for (const auto& [name, texts] : given_)
    if (find(name) != nullptr) names.push_back(name);
  return names;
}

std::vector<std::string> OptionParser::names() const {
  std::vector<std::string> names;
  for (const Option& option : options_) names.push_back(option.name);
  return names;
}

OnResume OptionParser::on_resume(std::string_view name) const {
  const Option* option = find(name);
  SIREN_ASSERT(option != nullptr, "no option {}", name);
  return option->on_resume;
}

std::string OptionParser::value_of(const std::string& name) const {
  const Option* option = find(name);
  SIREN_ASSERT(option != nullptr, "no option {}", name);
  return fmt::format("{}", fmt::join(option->show(), ", "));
}

void OptionParser::apply() {
  for (const Option& option : options_)
    if (given(option.name)) option.set(given_.at(option.name));
  if (positional_ != nullptr && given(kPositional))
    *positional_ = given_.at(kPositional).front().text;
  if (positionals_ != nullptr && given(kPositional))
    for (const OptionText& argument : given_.at(kPositional))
      positionals_->push_back(argument.text);
}

template <Number T>
OptionParser::Declared OptionParser::number(const std::string& name, T& target, Range<T> range,
                                            const std::string& value_name,
                                            const std::string& help) {
  const auto set = [&target, range](const OptionText& option) {
    target = parse_number(option, range);
  };
  return declare_one({name, value_name, help, describe_range(range), 0, false, {}, {}}, set,
                     [&target] { return fmt::format("{}", target); });
}

template <Number T>
OptionParser::Declared OptionParser::number(const std::string& name, std::optional<T>& target,
                                            Range<T> range, const std::string& value_name,
                                            const std::string& help) {
  const auto set = [&target, range](const OptionText& option) {
    target = parse_number(option, range);
  };
  const auto show = [&target] { return target ? fmt::format("{}", *target) : std::string(); };
  return declare_one({name, value_name, help, describe_range(range), 0, false, {}, {}}, set, show);
}

// NOLINTBEGIN(bugprone-macro-parentheses): T is a type
#define SIREN_INSTANTIATE(T)                                                                       \
  template OptionParser::Declared OptionParser::number<T>(const std::string&, T&, Range<T>,        \
                                                          const std::string&, const std::string&); \
  template OptionParser::Declared OptionParser::number<T>(                                         \
      const std::string&, std::optional<T>&, Range<T>, const std::string&, const std::string&);
// NOLINTEND(bugprone-macro-parentheses)
SIREN_INSTANTIATE(std::int32_t)
SIREN_INSTANTIATE(std::uint32_t)
SIREN_INSTANTIATE(std::int64_t)
SIREN_INSTANTIATE(float)
SIREN_INSTANTIATE(double)
#undef SIREN_INSTANTIATE

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
                              fmt::format("{}", fmt::join(option.show(), ", ")), option.help,
                              option.on_resume != OnResume::kFixed});
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

void OptionParser::leave_out(std::string_view name) {
  const auto at = std::ranges::find(options_, name, &Option::name);
  SIREN_ASSERT(at != options_.end(), "--{} is not declared", name);
  at->left_out = true;
}

Settings OptionParser::settings() const {
  Settings settings;
  for (const Option& option : options_) {
    if (option.left_out) continue;
    for (const std::string& value : option.show())
      if (!value.empty()) settings.add(option.name, value);
  }
  return settings;
}

namespace {

/// " [1024]", unless there is none or the text speaks of it.
std::string default_after(const std::string& help, const std::vector<std::string>& values) {
  const bool says_default = help.find("default") != std::string::npos;
  return says_default || values.size() != 1 || values[0].empty() ? ""
                                                                 : fmt::format(" [{}]", values[0]);
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
