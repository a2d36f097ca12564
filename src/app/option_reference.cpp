// SPDX-License-Identifier: Apache-2.0
#include "app/option_reference.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "siren/version.hpp"

namespace siren::inline app {

namespace {

constexpr std::string_view kExitCodes =
    "0 done, 1 failed, 2 wrong input, 3 stopped early with everything saved";

std::string replaced(std::string_view text, std::string_view what, std::string_view by) {
  std::string result;
  std::size_t from = 0;
  for (std::size_t at = text.find(what); at != std::string_view::npos; at = text.find(what, from)) {
    result.append(text.substr(from, at - from)).append(by);
    from = at + what.size();
  }
  return result.append(text.substr(from));
}

// ---- Markdown

std::string cell(const std::string& text) {
  return replaced(replaced(text, "|", "\\|"), "\n", " ");
}

std::string markdown_head() {
  return "# Options\n\nEvery option of every command; made by `siren help --reference` from the "
         "table that checks the command line, a test compares.\nThe same names are keys of a "
         "`--config` file. A default of `-` is none: the meaning says what happens then.\n";
}

std::string markdown_of(const CommandDescription& command) {
  std::string text = fmt::format("\n## siren {}\n\n`siren {} {}`\n\n{}\n", command.name,
                                 command.name, command.synopsis, command.summary);
  const bool resumes =
      std::any_of(command.options.begin(), command.options.end(),
                  [](const OptionDescription& option) { return option.name == "resume"; });
  if (resumes)
    text +=
        "Of the options that a run keeps, those marked * may have another value when it is "
        "resumed.\n";
  text += "\n| option | type | default | meaning |\n|---|---|---|---|\n";
  for (const OptionDescription& option : command.options) {
    const std::string value =
        option.value_name.empty() ? "" : fmt::format(" {}", option.value_name);
    const char* mark = resumes && option.may_change ? " *" : "";
    text += fmt::format("| `--{}{}`{} | {} | {} | {} |\n", option.name, cell(value), mark,
                        choices_of(option).empty() ? option.type : "choice",
                        option.default_value.empty() ? "-" : cell(option.default_value),
                        cell(option.help));
  }
  return text;
}

// ---- manual page

std::string roff(const std::string& text) {
  const std::string escaped = replaced(replaced(text, "\\", "\\e"), "-", "\\-");
  const bool control = escaped.starts_with('.') || escaped.starts_with('\'');
  return fmt::format("{}{}", control ? "\\&" : "", escaped);
}

std::string man_head(std::span<const CommandLine> commands) {
  std::string text = fmt::format(
      ".TH SIREN 1 \"\" \"siren {}\" \"User Commands\"\n.SH NAME\nsiren \\- distributed "
      "sign\\-aware recommendation\n.SH SYNOPSIS\n.B siren\n.I COMMAND\n[options]\n.br\n.B mpirun "
      "\\-n\n.I RANKS\n.B siren\n.I COMMAND\n[options]\n.SH DESCRIPTION\nTrains recommenders that "
      "also learn from low ratings, on any number of ranks.\n.SH COMMANDS\n",
      kVersion);
  for (const CommandLine& command : commands)
    text += fmt::format(".TP\n.B {}\n{}\n", command.name, roff(std::string(command.summary)));
  return text + ".SH OPTIONS\n";
}

std::string man_of(const CommandDescription& command) {
  std::string text =
      fmt::format(".SS siren {} {}\n{}\n", command.name, roff(replaced(command.synopsis, "\"", "")),
                  roff(replaced(command.summary, "\n", " ")));
  for (const OptionDescription& option : command.options)
    text += fmt::format(
        ".TP\n\\fB\\-\\-{}\\fR \\fI{}\\fR\n{}{}\n", roff(option.name), roff(option.value_name),
        roff(option.help),
        option.default_value.empty() ? "" : fmt::format(" [{}]", roff(option.default_value)));
  return text;
}

std::string man_tail() {
  return fmt::format(".SH EXIT STATUS\n{}\n", roff(std::string(kExitCodes)));
}

// ---- bash

std::string bash_head(std::span<const CommandLine> commands) {
  std::vector<std::string_view> names;
  for (const CommandLine& command : commands) names.push_back(command.name);
  return fmt::format(
      "# bash completion of siren {}; made by siren help --completion\n_siren() {{\n"
      "  local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD-1]}}\n"
      "  local command=${{COMP_WORDS[1]}} words=\"\" files=\"\"\n"
      "  if ((COMP_CWORD == 1)); then\n    words=\"{} help --help --version\"\n    command=\"\"\n"
      "  fi\n  case $command in\n",
      kVersion, fmt::join(names, " "));
}

bool names_a_file(const OptionDescription& option) {
  return option.value_name == "FILE" || option.value_name == "DIR" ||
         option.value_name == "CHECKPOINT";
}

std::string bash_of(const CommandDescription& command) {
  std::string text = fmt::format("    {})\n      case $previous in\n", command.name);
  std::string names;
  std::vector<std::string> files;
  std::vector<std::string> others;
  for (const OptionDescription& option : command.options) {
    const std::string name = fmt::format("--{}", option.name);
    names += fmt::format("{}{}", names.empty() ? "" : " ", name);
    const std::vector<std::string> choices = choices_of(option);
    if (!choices.empty())
      text += fmt::format("        {}) words=\"{}\" ;;\n", name, fmt::join(choices, " "));
    else if (names_a_file(option))
      files.push_back(name);
    else if (!option.value_name.empty())
      others.push_back(name);
  }
  if (!files.empty()) text += fmt::format("        {}) files=yes ;;\n", fmt::join(files, "|"));
  if (!others.empty()) text += fmt::format("        {}) ;;\n", fmt::join(others, "|"));
  return text +
         fmt::format(
             "        *) words=\"{}\"; [[ $current == -* ]] || files=yes ;;\n      esac ;;\n",
             names);
}

std::string bash_tail() {
  return "  esac\n"
         "  local IFS=$'\\n'\n"
         "  COMPREPLY=($(compgen -W \"${words// /$'\\n'}\" -- \"$current\"))\n"
         "  [[ -z $files ]] || COMPREPLY+=($(compgen -f -- \"$current\"))\n"
         "}\ncomplete -o filenames -F _siren siren\n";
}

}  // namespace

std::optional<ReferenceFormat> reference_format_from(std::string_view name) {
  if (name == "markdown") return ReferenceFormat::kMarkdown;
  if (name == "man") return ReferenceFormat::kMan;
  if (name == "bash") return ReferenceFormat::kBash;
  return std::nullopt;
}

std::string reference_head(ReferenceFormat format, std::span<const CommandLine> commands) {
  if (format == ReferenceFormat::kMarkdown) return markdown_head();
  return format == ReferenceFormat::kMan ? man_head(commands) : bash_head(commands);
}

std::string reference_of(ReferenceFormat format, const CommandDescription& command) {
  if (format == ReferenceFormat::kMarkdown) return markdown_of(command);
  return format == ReferenceFormat::kMan ? man_of(command) : bash_of(command);
}

std::string reference_tail(ReferenceFormat format) {
  if (format == ReferenceFormat::kMarkdown) return fmt::format("\nExit codes: {}.\n", kExitCodes);
  return format == ReferenceFormat::kMan ? man_tail() : bash_tail();
}

std::vector<std::string> choices_of(const OptionDescription& option) {
  std::string names = option.value_name;
  if (names.find('|') == std::string::npos) names = option.help.substr(0, option.help.find(' '));
  if (option.value_name.empty() || names.find('|') == std::string::npos) return {};
  std::vector<std::string> choices;
  for (std::size_t begin = 0; begin <= names.size();) {
    const std::size_t end = std::min(names.find('|', begin), names.size());
    choices.push_back(names.substr(begin, end - begin));
    begin = end + 1;
  }
  return choices;
}

}  // namespace siren::inline app
