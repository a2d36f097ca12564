// SPDX-License-Identifier: Apache-2.0
// The few pieces of HTML that a report is made of. Names ending in _html are markup, all others are
// plain text and are escaped here.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace siren::inline observe {

// How a report looks: one style sheet for light and dark, wide and narrow, screen and paper.

std::string_view style_sheet();

/// The style of the k-th of several runs. They repeat after eight.
std::string run_style(std::size_t run);
/// The style of a phase of a step: work in blues, communication in oranges.
std::string phase_style(std::string_view phase);

/// Text for HTML and SVG, inside and outside of attributes. What is not UTF-8, or no character that
/// HTML allows, becomes U+FFFD.
std::string escaped(std::string_view text);

struct TableCell {
  std::string text;
  bool number = false;  // set to the right
  bool strong = false;
  std::string note{};  // behind the text, small
};

inline TableCell number_cell(std::string text) {
  return {std::move(text), true};
}

struct Table {
  std::string caption;
  std::vector<std::string> head;
  std::vector<std::vector<TableCell>> rows;  // the first cell of each heads its row
};

/// In a box of its own, which scrolls sideways where the window is narrow.
std::string table_html(const Table& table);

/// <section> with a heading of level 2.
std::string section_html(std::string_view heading, const std::string& content_html);
/// Content that unfolds on a click, without a script.
std::string details_html(std::string_view summary, const std::string& content_html);
std::string paragraph_html(std::string_view text, std::string_view css_class = "");

/// A chart with its caption. `note` says what to read from it; may be empty.
std::string figure_html(std::string_view caption, const std::string& chart_html,
                        std::string_view note = "");
/// Charts and tables side by side, as many as the window has room for.
std::string beside_html(const std::vector<std::string>& parts);
/// Figures in columns, as many as the window has room for.
std::string figures_html(const std::vector<std::string>& figures);

struct LegendEntry {
  std::string name;
  std::string style;  // as in the chart
  bool line = false;  // else an area
};
std::string legend_html(const std::vector<LegendEntry>& entries);

/// A figure in large type with what it is.
struct Tile {
  std::string name;
  std::string value;
  std::string note;
};
std::string tiles_html(const std::vector<Tile>& tiles);

}  // namespace siren::inline observe
