// SPDX-License-Identifier: Apache-2.0
#include "siren/report/html.hpp"

#include <fmt/format.h>

#include "siren/core/text.hpp"

namespace siren::inline report {

namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

std::string cell_html(const TableCell& cell, std::string_view tag, std::string_view scope) {
  std::string content = escaped(cell.text);
  if (cell.strong) content = fmt::format("<strong>{}</strong>", content);
  if (!cell.note.empty()) content += fmt::format(" <small>{}</small>", escaped(cell.note));
  return fmt::format("<{0}{1}{2}>{3}</{0}>", tag, scope, cell.number ? " class=\"n\"" : "",
                     content);
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    const char first = text.front();
    const bool shown =
        first == '\t' || first == '\n' || (length > 0 && is_plain_sign(text.substr(0, length)));
    if (!shown)
      result += kReplacement;
    else if (first == '&')
      result += "&amp;";
    else if (first == '<')
      result += "&lt;";
    else if (first == '>')
      result += "&gt;";
    else if (first == '"')
      result += "&quot;";
    else if (first == '\'')
      result += "&#39;";
    else
      result += text.substr(0, length);
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return result;
}

/// Heads of columns stand above numbers as numbers do: to the right.
std::string table_html(const Table& table) {
  std::string html = "<div class=\"scroll\" tabindex=\"0\"><table>";
  if (!table.caption.empty()) html += fmt::format("<caption>{}</caption>", escaped(table.caption));
  html += "<thead><tr>";
  for (std::size_t c = 0; c < table.head.size(); ++c) {
    const bool number =
        !table.rows.empty() && c < table.rows.front().size() && table.rows.front()[c].number;
    html += cell_html({table.head[c], number}, "th", " scope=\"col\"");
  }
  html += "</tr></thead><tbody>\n";
  for (const std::vector<TableCell>& row : table.rows) {
    html += "<tr>";
    for (std::size_t c = 0; c < row.size(); ++c)
      html += c == 0 ? cell_html(row[c], "th", " scope=\"row\"") : cell_html(row[c], "td", "");
    html += "</tr>\n";
  }
  return html + "</tbody></table></div>\n";
}

std::string section_html(std::string_view heading, const std::string& content_html) {
  return fmt::format("<section>\n<h2>{}</h2>\n{}</section>\n", escaped(heading), content_html);
}

std::string details_html(std::string_view summary, const std::string& content_html) {
  return fmt::format("<details><summary>{}</summary>\n{}</details>\n", escaped(summary),
                     content_html);
}

std::string paragraph_html(std::string_view text, std::string_view css_class) {
  const std::string attribute =
      css_class.empty() ? "" : fmt::format(" class=\"{}\"", escaped(css_class));
  return fmt::format("<p{}>{}</p>\n", attribute, escaped(text));
}

std::string figure_html(std::string_view caption,
                        const std::string& chart_html,
                        std::string_view note) {
  return fmt::format("<figure><figcaption>{}{}</figcaption>\n{}</figure>\n", escaped(caption),
                     note.empty() ? "" : fmt::format(" <small>{}</small>", escaped(note)),
                     chart_html);
}

std::string figures_html(const std::vector<std::string>& figures) {
  std::string html = "<div class=\"figures\">\n";
  for (const std::string& figure : figures) html += figure;
  return html + "</div>\n";
}

std::string beside_html(const std::vector<std::string>& parts) {
  std::string html = "<div class=\"beside\">\n";
  for (const std::string& part : parts) html += part;
  return html + "</div>\n";
}

std::string legend_html(const std::vector<LegendEntry>& entries) {
  std::string html = "<ul class=\"legend\">";
  for (const LegendEntry& entry : entries) {
    html += fmt::format(
        "<li><svg viewBox=\"0 0 22 12\" aria-hidden=\"true\">{}</svg>{}</li>",
        entry.line ? fmt::format("<path class=\"line {}\" d=\"M1 6H21\"/>", escaped(entry.style))
                   : fmt::format("<rect class=\"{}\" x=\"5\" width=\"12\" height=\"12\" rx=\"2\"/>",
                                 escaped(entry.style)),
        escaped(entry.name));
  }
  return html + "</ul>\n";
}

std::string tiles_html(const std::vector<Tile>& tiles) {
  std::string html = "<dl class=\"tiles\">";
  for (const Tile& tile : tiles)
    html +=
        fmt::format("<div><dt>{}</dt><dd>{}{}</dd></div>", escaped(tile.name), escaped(tile.value),
                    tile.note.empty() ? "" : fmt::format("<small>{}</small>", escaped(tile.note)));
  return html + "</dl>\n";
}

}  // namespace siren::inline report
