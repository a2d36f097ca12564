// SPDX-License-Identifier: Apache-2.0
// All options of a command as text for readers and programs: the Markdown reference (OPTIONS.md),
// the manual page, and bash completion are made from the same table that checks the command line.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace siren::inline app {

struct OptionDescription {
  std::string section;
  std::string name;
  std::string value_name;     // empty: a flag
  std::string type;           // "whole number of at least 1"
  std::string default_value;  // empty: none
  std::string help;
  bool may_change = false;  // when a run goes on
};

struct CommandDescription {
  std::string name;
  std::string synopsis;
  std::string summary;
  std::vector<OptionDescription> options;
};

struct CommandLine {
  std::string_view name;
  std::string_view summary;
};

enum class ReferenceFormat { kMarkdown, kMan, kBash };
/// For markdown|man|bash.
std::optional<ReferenceFormat> reference_format_from(std::string_view name);

/// What stands before, for, and behind all commands.
std::string reference_head(ReferenceFormat format, std::span<const CommandLine> commands);
std::string reference_of(ReferenceFormat format, const CommandDescription& command);
std::string reference_tail(ReferenceFormat format);

/// What may stand for the value: {"a", "b"} of a choice "a|b", else nothing.
std::vector<std::string> choices_of(const OptionDescription& option);

}  // namespace siren::inline app
