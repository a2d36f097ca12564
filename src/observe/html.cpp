// SPDX-License-Identifier: Apache-2.0
#include "observe/html.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "core/text.hpp"

namespace siren::inline observe {

namespace {

constexpr std::array<std::string_view, 10> kPhases = {
    "product", "dense", "loss", "sample", "adam", "expand", "fold", "reduce", "wait", "evaluate"};
constexpr std::size_t kRunStyles = 8;

constexpr std::string_view kStyleSheet =
    R"(:root{color-scheme:light dark;--page:#f5f6f8;--card:#fff;--ink:#1b1f27;--quiet:#59616e;--rule:#dfe3e9;--best:#e4f0e7;--note:#fff4d6;
--s0:#1f5fd0;--s1:#c2410c;--s2:#0b7a5c;--s3:#8b2fc9;--s4:#b0186f;--s5:#0a7590;--s6:#8a6100;--s7:#566173;
--product:#1d4fae;--dense:#3b7be0;--loss:#6ba3f0;--sample:#93c1f7;--adam:#bcdafb;--expand:#b3420f;--fold:#ea7a2a;--reduce:#f8bd85;
--wait:#c81e4d;--evaluate:#8659c9;--other:#98a2b1;--liked:#1f5fd0;--disliked:#d9631e;--neither:#98a2b1}
@media(prefers-color-scheme:dark){:root{--page:#11141a;--card:#1a1e26;--ink:#e7eaf0;--quiet:#a2abba;--rule:#323947;--best:#1d3a2a;--note:#3b3115;
--s0:#7fb0ff;--s1:#ff9d66;--s2:#4ed0a3;--s3:#c89bff;--s4:#ff8ac4;--s5:#5acce4;--s6:#e2bd4d;--s7:#aab5c5;
--product:#3f7be8;--dense:#6a9ff5;--loss:#8fbafa;--sample:#b2d2fd;--adam:#d5e7ff;--expand:#d9622b;--fold:#f59a55;--reduce:#fbcda0;
--wait:#f2557f;--evaluate:#a985ea;--other:#78839a;--liked:#5b95f5;--disliked:#f08a4b;--neither:#78839a}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","DejaVu Sans",sans-serif}
main{max-width:1200px;margin:0 auto;padding:24px 20px 40px}
header{margin:0 0 20px}
h1{font-size:1.6rem;line-height:1.25;margin:0 0 4px;overflow-wrap:anywhere}
h2{font-size:1.15rem;margin:0 0 12px}
h3{font-size:1rem;margin:20px 0 8px;overflow-wrap:anywhere}
p{margin:0 0 12px;overflow-wrap:anywhere}
.quiet,small{color:var(--quiet)}
small{font-size:.82em;font-weight:400}
.note{background:var(--note);border-radius:8px;padding:10px 14px}
section{background:var(--card);border:1px solid var(--rule);border-radius:12px;padding:18px 20px;margin:0 0 18px}
section>:last-child,details>:last-child{margin-bottom:0}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px;margin:0 0 18px}
.tiles div{background:var(--card);border:1px solid var(--rule);border-radius:12px;padding:12px 16px}
.tiles dt{color:var(--quiet);font-size:.85rem}
.tiles dd{margin:0;font-size:1.5rem;font-weight:600;line-height:1.3;font-variant-numeric:tabular-nums}
.tiles small{display:block;font-size:.8rem;line-height:1.35}
.figures{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(300px,100%),1fr));gap:20px 24px;margin:0 0 16px}
figure{margin:0;min-width:0;max-width:460px}
figcaption{font-weight:600;font-size:.92rem;margin:0 0 6px}
figure svg{display:block;width:100%;height:auto}
svg text{fill:var(--quiet);font-size:11px;font-variant-numeric:tabular-nums}
.grid{stroke:var(--rule)}.axis{stroke:var(--quiet)}
.line,.faint{fill:none;stroke:var(--c);stroke-width:2;stroke-linejoin:round;stroke-linecap:round}
.faint{stroke-width:1;opacity:.45}
.dot{fill:var(--c)}.ring{fill:none;stroke:var(--c);stroke-width:2}
rect{fill:var(--c);stroke:var(--card);stroke-width:.6}
.legend{list-style:none;display:flex;flex-wrap:wrap;gap:4px 18px;padding:0;margin:0 0 12px;font-size:.88rem}
.legend li{display:flex;align-items:center;gap:6px;overflow-wrap:anywhere}
.legend svg{width:22px;height:12px;flex:none}
.beside{display:flex;flex-wrap:wrap;gap:0 40px}.beside>*{min-width:0;max-width:100%}.beside>figure{flex:1 1 300px;max-width:min(380px,100%);margin:0 0 16px}
.scroll{overflow-x:auto;margin:0 0 16px}
table{border-collapse:collapse;font-size:.9rem;font-variant-numeric:tabular-nums}
caption{text-align:left;color:var(--quiet);padding:0 0 6px}
th,td{padding:5px 14px 5px 0;border-bottom:1px solid var(--rule);text-align:left;vertical-align:top;white-space:nowrap}
thead th{color:var(--quiet);font-weight:600;font-size:.85rem}
tbody th{font-weight:500}
.n{text-align:right}
td strong{background:var(--best);border-radius:4px;padding:1px 5px;margin-right:-5px}
.settings{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(210px,100%),1fr));gap:0 28px;margin:0 0 12px;font-size:.9rem}
.settings div{display:flex;justify-content:space-between;gap:12px;border-bottom:1px solid var(--rule);padding:4px 0}
.settings dt{color:var(--quiet)}.settings dd{margin:0;text-align:right;overflow-wrap:anywhere;min-width:0}
details{margin:0 0 12px}
summary{cursor:pointer;font-weight:600;font-size:.92rem;padding:4px 0;margin:0 0 8px}
:focus-visible{outline:2px solid var(--s0);outline-offset:2px}
footer{color:var(--quiet);font-size:.85rem}
@media(max-width:520px){main{padding:16px 10px 28px}section{padding:14px 12px}.tiles{grid-template-columns:repeat(auto-fit,minmax(130px,1fr))}}
@media print{section{break-inside:avoid;border:0;padding:0}}
.s0{--c:var(--s0)}.s1{--c:var(--s1);stroke-dasharray:7 4}.s2{--c:var(--s2);stroke-dasharray:2 4}.s3{--c:var(--s3);stroke-dasharray:9 3 2 3}
.s4{--c:var(--s4)}.s5{--c:var(--s5);stroke-dasharray:7 4}.s6{--c:var(--s6);stroke-dasharray:2 4}.s7{--c:var(--s7);stroke-dasharray:9 3 2 3}
.dot,.ring,rect{stroke-dasharray:none}
.product{--c:var(--product)}.dense{--c:var(--dense)}.loss{--c:var(--loss)}.sample{--c:var(--sample)}.adam{--c:var(--adam)}
.expand{--c:var(--expand)}.fold{--c:var(--fold)}.reduce{--c:var(--reduce)}.wait{--c:var(--wait)}.evaluate{--c:var(--evaluate)}
.other{--c:var(--other)}.liked{--c:var(--liked)}.disliked{--c:var(--disliked)}.neither{--c:var(--neither)}
)";

}  // namespace

std::string_view style_sheet() {
  return kStyleSheet;
}

std::string run_style(std::size_t run) {
  return fmt::format("s{}", run % kRunStyles);
}

std::string phase_style(std::string_view phase) {
  const bool known = std::find(kPhases.begin(), kPhases.end(), phase) != kPhases.end();
  return std::string(known ? phase : "other");
}

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

std::string figure_html(std::string_view caption, const std::string& chart_html,
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

}  // namespace siren::inline observe
