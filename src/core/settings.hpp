// SPDX-License-Identifier: Apache-2.0
// Text of lines `key = value`: config.ini, cv.ini, files for --config, the configuration in a
// checkpoint, locks (format: data/README.md, "config.ini"). Nothing else reads or writes such lines.
//
//   Settings settings;
//   settings.add("data", "a #b.h5");
//   Settings::parse(settings.print(), "config.ini") == settings
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace siren::inline core {

struct Setting {
  std::string key;
  std::string value;
  std::int64_t line = 0;  // from 1; 0 if it was not read

  /// The line does not count.
  friend bool operator==(const Setting& one, const Setting& other) {
    return one.key == other.key && one.value == other.value;
  }
};

/// The order of the settings and repeated keys are kept.
class Settings {
 public:
  Settings() = default;
  Settings(std::initializer_list<Setting> settings) : settings_(settings) {}

  /// A # at the start of a line or behind a blank begins a comment, unless it is between quotation
  /// marks. InputError that names `place` and the line if one is neither blank nor a comment nor a
  /// setting.
  static Settings parse(std::string_view text, std::string_view place);

  void add(std::string key, std::string value);

  /// Text that parse() reads back. InputError if a value holds a line end.
  std::string print() const;

  /// The last value of a key; empty if there is none.
  std::string value_of(std::string_view key) const;
  std::span<const Setting> all() const& { return settings_; }
  void all() const&& = delete;  // it would be gone before the loop begins

  friend bool operator==(const Settings&, const Settings&) = default;

 private:
  std::vector<Setting> settings_;
};

}  // namespace siren::inline core
