// SPDX-License-Identifier: Apache-2.0
// Options of one subcommand: from the command line and from a `key = value` file (--config FILE),
// whose keys are the long option names. The command line wins. An unknown or repeated option, a
// value that does not fit, or a missing value is an InputError that names the option, or file and
// line. Every command has --quiet and --log-level, too.
//
//   OptionParser options("prepare", "--input FILE --output FILE", "Turns ratings into a dataset.");
//   options.section("Ratings");
//   options.text("output", config.output, "FILE", "dataset file to write");
//   options.number("folds", config.folds, {2, 255}, "N", "number of folds");
//   options.flag("json", json, "print JSON");
//   if (!options.parse(args)) return;       // --help was asked for and printed
//   options.apply();                        // now the variables are set
#pragma once

#include <cstddef>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "app/option_reference.hpp"
#include "core/settings.hpp"
#include "siren/error.hpp"
#include "siren/named_enum.hpp"

namespace siren::inline app {

// The text given for an option, and what it may mean.

template <class T>
concept Number = std::is_arithmetic_v<T>;

/// Numbers from min to max, both included.
template <Number T>
struct Range {
  T min = std::numeric_limits<T>::lowest();
  T max = std::numeric_limits<T>::max();
};

/// What was given for one option, and where: "--folds" or "run.ini:7: folds".
struct OptionText {
  std::string text;
  std::string place;
};

/// true|yes|1 or false|no|0; InputError otherwise.
bool parse_bool(const OptionText& option);

/// The number in `option`; InputError if it is none, or outside the range. T: int32, uint32, int64,
/// float, double.
template <Number T>
T parse_number(const OptionText& option, Range<T> range);

/// The value of that name, of the first `most`; InputError that lists the names if there is none.
template <NamedEnum E>
E parse_choice(const OptionText& option, std::size_t most = enum_names(E{}).size()) {
  const std::optional<E> value = value_named<E>(option.text);
  if (!value || static_cast<std::size_t>(*value) >= most)
    throw InputError(option.place + " " + option.text + ": expected one of " + list_names<E>(most));
  return *value;
}

/// What a run that goes on (--resume) may do with an option.
enum class OnResume {
  kFixed,   // another value would make it another run
  kLength,  // how far it goes and where its data lie: may change, but not within a comparison (cv)
  kFree,    // no figure depends on it
};

class OptionParser {
 public:
  /// An option just declared, for what few of them need besides: use it at once.
  class Declared {
   public:
    void on_resume(OnResume what) { target_ = what; }

   private:
    friend class OptionParser;
    explicit Declared(OnResume& target) : target_(target) {}
    OnResume& target_;
  };

  OptionParser(std::string command, std::string synopsis, std::string summary);

  /// The options declared from here on stand under this title in the help.
  void section(const std::string& title);

  /// The options declared from here on are taken but not listed in the help.
  void hide_the_rest() { hiding_ = true; }
  /// Likewise one that is declared.
  void hide(std::string_view name);
  /// Lists one that is declared, in spite of hide_the_rest().
  void show(std::string_view name);

  /// Keeps a declared one out of settings().
  void leave_out(std::string_view name);

  /// Each declares --name. The target keeps its value (the default) unless the option is given; it
  /// must outlive apply(). `value_name` stands for the value in the help.
  Declared text(const std::string& name, std::string& target, const std::string& value_name,
                const std::string& help);
  /// May be given several times.
  Declared list(const std::string& name, std::vector<std::string>& target,
                const std::string& value_name, const std::string& help);
  /// No value on the command line; true or false in a file (--name=false overrides that).
  Declared flag(const std::string& name, bool& target, const std::string& help);
  /// T: int32, uint32, int64, float, double.
  template <Number T>
  Declared number(const std::string& name, T& target, Range<T> range, const std::string& value_name,
                  const std::string& help);
  template <Number T>
  Declared number(const std::string& name, std::optional<T>& target, Range<T> range,
                  const std::string& value_name, const std::string& help);
  /// One of the first `most` values with a name (siren/named_enum.hpp); the names begin the help.
  template <NamedEnum E>
  Declared choice(const std::string& name, E& target, const std::string& help,
                  std::size_t most = enum_names(E{}).size()) {
    return declare_choice<E>(
        name, [&target](E value) { target = value; },
        [&target] { return std::string(name_of(target)); }, help, most);
  }
  template <NamedEnum E>
  Declared choice(const std::string& name, std::optional<E>& target, const std::string& help,
                  std::size_t most = enum_names(E{}).size()) {
    return declare_choice<E>(
        name, [&target](E value) { target = value; },
        [&target] { return target ? std::string(name_of(*target)) : std::string(); }, help, most);
  }
  /// Anything else: `set` checks the text and throws an InputError that names the option; `show`
  /// gives the current value as text, empty for none; `type` is for the reference.
  Declared custom(const std::string& name, std::function<void(const OptionText&)> set,
                  std::function<std::string()> show, const std::string& value_name,
                  const std::string& help, const std::string& type = {});
  /// An argument without a dash; at most one, `value_name` in the help's first line.
  void positional(const std::string& value_name, std::string& target);
  /// Any number of such arguments.
  void positional(const std::string& value_name, std::vector<std::string>& targets);

  /// Collects and checks the names of all options. False: the help (or, for `siren help`, another
  /// description) was printed to stdout.
  bool parse(std::span<const std::string> args);
  bool has(std::string_view name) const { return find(name) != nullptr; }
  bool given(const std::string& name) const { return given_.contains(name); }
  /// Likewise, but not in the --config file alone.
  bool on_command_line(const std::string& name) const;
  /// Of all options that were given.
  std::vector<std::string> given_names() const;
  /// Of all options, in the order of declaration.
  std::vector<std::string> names() const;
  /// As declared.
  OnResume on_resume(std::string_view name) const;
  /// The present value of an option as text; empty if it has none.
  std::string value_of(const std::string& name) const;
  /// The text given for an option, before apply(); nothing if it was not given.
  std::optional<std::string> text_of(const std::string& name) const;
  /// Sets the targets, in the order of declaration.
  void apply();

  std::string help() const;
  /// Everything declared, with present values as defaults (before apply()).
  CommandDescription describe() const;

  /// All current values, as --config reads them back.
  Settings settings() const;
  std::string config_text() const { return settings().print(); }

 private:
  struct Option {
    std::string name;
    std::string value_name;  // empty: a flag
    std::string help;
    std::string type;  // in the reference
    std::size_t section;
    bool repeatable;
    std::function<void(const std::vector<OptionText>&)> set;
    std::function<std::vector<std::string>()> show;
    bool hidden = false;
    bool left_out = false;  // of settings()
    OnResume on_resume = OnResume::kFixed;
  };
  using Given = std::map<std::string, std::vector<OptionText>>;

  static constexpr const char* kConfigOption = "config";
  static constexpr const char* kHelpOption = "help";
  static constexpr const char* kDescribeOption = "describe-options";           // hidden
  static constexpr std::size_t kCommonSection = static_cast<std::size_t>(-1);  // without a title

  Declared declare(Option option);
  template <NamedEnum E>
  Declared declare_choice(const std::string& name, const std::function<void(E)>& set,
                          const std::function<std::string()>& show, const std::string& help,
                          std::size_t most) {
    return declare_one(
        {name, "NAME", list_names<E>(most) + " " + help, "choice", 0, false, {}, {}},
        [set, most](const OptionText& option) { set(parse_choice<E>(option, most)); }, show);
  }
  void declare_messages();
  /// As custom(), with a type for the reference.
  Declared declare_one(Option option, std::function<void(const OptionText&)> set,
                       std::function<std::string()> show);
  bool print_description() const;
  const Option* find(std::string_view name) const;
  Given parse_command_line(std::span<const std::string> args) const;
  Given parse_config_file(const std::string& path) const;

  std::string command_;
  std::string synopsis_;
  std::string summary_;
  std::vector<std::string> sections_;
  std::vector<Option> options_;
  bool hiding_ = false;
  std::string config_;
  std::string positional_name_;
  std::string* positional_ = nullptr;
  std::vector<std::string>* positionals_ = nullptr;  // or this one
  Given given_;
};

/// "whole number from 1 to 64", "number".
template <Number T>
std::string describe_range(Range<T> range);

}  // namespace siren::inline app
