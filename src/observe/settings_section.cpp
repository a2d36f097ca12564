// SPDX-License-Identifier: Apache-2.0
#include "observe/settings_section.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "core/text.hpp"
#include "observe/html.hpp"
#include "train/run_directory.hpp"

namespace siren::inline observe {

namespace {

bool is_default(const Setting& setting, const Settings& defaults) {
  return std::find(defaults.all().begin(), defaults.all().end(), setting) != defaults.all().end();
}

}  // namespace

std::string settings_section(const RunRecord& run, const Settings& defaults) {
  std::string html = paragraph_html(
      fmt::format("Bold: not the default. Repeat the run with: siren train --config {} --run DIR",
                  shell_quoted(RunDirectory(run.name).config_path())),
      "quiet");
  html += "<dl class=\"settings\">\n";
  for (const Setting& setting : run.settings.all()) {
    const std::string value = escaped(setting.value);
    html += fmt::format(
        "<div><dt>{}</dt><dd>{}</dd></div>\n", escaped(setting.key),
        is_default(setting, defaults) ? value : fmt::format("<strong>{}</strong>", value));
  }
  return section_html("Configuration", html + "</dl>\n");
}

std::vector<std::string> differing_settings(std::span<const RunRecord> runs) {
  std::vector<std::string> names;
  for (const RunRecord& run : runs)
    for (const Setting& setting : run.settings.all()) {
      const bool differs = std::any_of(runs.begin(), runs.end(), [&](const RunRecord& other) {
        return other.settings.value_of(setting.key) != setting.value;
      });
      if (differs && setting.key != "run" &&
          std::find(names.begin(), names.end(), setting.key) == names.end())
        names.push_back(setting.key);
    }
  return names;
}

std::string settings_comparison(std::span<const RunRecord> runs) {
  const std::vector<std::string> names = differing_settings(runs);
  if (names.empty())
    return section_html("Options that differ",
                        paragraph_html("None: the runs are configured alike."));
  Table table{"", {"option"}, {}};
  for (const RunRecord& run : runs) table.head.push_back(run.name);
  for (const std::string& name : names) {
    std::vector<TableCell> row{{name}};
    for (const RunRecord& run : runs) {
      const std::string value = run.settings.value_of(name);
      row.push_back({value.empty() ? "-" : value});
    }
    table.rows.push_back(std::move(row));
  }
  return section_html("Options that differ", table_html(table));
}

}  // namespace siren::inline observe
