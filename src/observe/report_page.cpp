// SPDX-License-Identifier: Apache-2.0
#include "observe/report_page.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "core/text.hpp"
#include "io/atomic_file.hpp"
#include "observe/curve_section.hpp"
#include "observe/data_section.hpp"
#include "observe/frontier_section.hpp"
#include "observe/html.hpp"
#include "observe/metric_section.hpp"
#include "observe/rank_section.hpp"
#include "observe/search_section.hpp"
#include "observe/settings_section.hpp"
#include "observe/svg_chart.hpp"
#include "siren/error.hpp"
#include "siren/version.hpp"
#include "train/run_directory.hpp"

namespace siren::inline observe {

namespace {

std::string whole_page(const std::string& title, const std::string& body_html) {
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<title>{}</title>\n<style>\n{}</style>\n</head>\n<body>\n<main>\n{}"
      "<footer>Made by siren {} from config.ini and metrics.jsonl.</footer>\n</main>\n</body>\n"
      "</html>\n",
      escaped(title), style_sheet(), body_html, kVersion);
}

std::string header_html(const std::string& title, const std::string& subtitle) {
  return fmt::format("<header><h1>{}</h1>\n{}</header>\n", escaped(title),
                     paragraph_html(subtitle, "quiet"));
}

/// How the run ended, if not well; empty if it did. A command stands last, with nothing glued to it.
std::string state_of(const RunRecord& run) {
  std::string state;
  std::string command;
  if (!run.failed.empty()) {
    state = fmt::format("Failed: {}.", run.failed);
    command = fmt::format(" Start again with: siren train --config {} --run NEW --lr LOWER",
                          shell_quoted(RunDirectory(run.name).config_path()));
  } else if (!run.stopped.empty()) {
    state = fmt::format("Not finished: {}.", run.stopped);
    command = fmt::format(" Continue with: siren train --run {} --resume", shell_quoted(run.name));
  } else if (!run.final) {
    state =
        "Not finished: the run is still going on, or it was killed. This is what it has logged so "
        "far.";
  }
  if (run.cut_short)
    state += fmt::format("{}The last line of metrics.jsonl is incomplete and was left out.",
                         state.empty() ? "" : " ");
  return state + command;
}

std::string state_html(const RunRecord& run) {
  const std::string state = state_of(run);
  return state.empty() ? "" : paragraph_html(state, "note");
}

std::string subtitle_of(const RunRecord& run) {
  std::string text =
      fmt::format("{} on {}", run.settings.value_of("model"), run.settings.value_of("data"));
  if (run.memory.ranks > 0) text += fmt::format(", {} rank(s)", run.memory.ranks);
  text += fmt::format(", {} of {} epochs, seed {}", value_text(run.epochs_done()),
                      run.settings.value_of("epochs"), run.settings.value_of("seed"));
  if (run.resumes > 0) text += fmt::format(", resumed {} time(s)", run.resumes);
  return text;
}

std::string key_figures(const RunRecord& run) {
  std::vector<Tile> tiles;
  if (const RecordedEvaluation* evaluation = run.shown_evaluation())
    for (const char* metric : {"nDCG@10", "R@10", "Dislike@10", "Dislike share@10", "AUC"})
      if (const double value = evaluation->metric_or_nan(metric); !std::isnan(value))
        tiles.push_back({metric, metric_text(value), std::string(meaning_of(metric))});
  if (!run.epochs.empty()) {
    double ratings = 0.0;
    for (const RecordedEpoch& epoch : run.epochs) ratings += static_cast<double>(epoch.ratings);
    tiles.push_back({"training", human_seconds(run.seconds()),
                     fmt::format("{} ratings/s", value_text(std::round(ratings / run.seconds())))});
  }
  if (run.memory.bytes() > 0)
    tiles.push_back({"memory", human_bytes(run.memory.bytes()), "of the largest rank"});
  return tiles.empty() ? "" : tiles_html(tiles);
}

std::string page_of_one(const RunRecord& run, const Settings& defaults,
                        std::span<const OtherModel> others) {
  const std::string title = "Run " + run.name;
  return whole_page(title, header_html(title, subtitle_of(run)) + state_html(run) +
                               key_figures(run) + curve_section({&run, 1}) + metric_section(run) +
                               frontier_section(run, others) + search_section(run) +
                               time_section(run) + partition_section(run) + data_section(run) +
                               settings_section(run, defaults));
}

/// Figures of different test ratings say nothing about each other.
std::string comparability_html(std::span<const RunRecord> runs) {
  std::string differing;
  for (const std::string& name : differing_settings(runs))
    for (const char* setting : {"data", "fold", "offset", "relevant-from", "candidates", "overlap"})
      if (name == setting) differing += (differing.empty() ? "" : ", ") + name;
  return differing.empty()
             ? ""
             : paragraph_html(fmt::format("The runs differ in {}: their metrics may not "
                                          "be comparable.",
                                          differing),
                              "note");
}

std::string page_of_several(std::span<const RunRecord> runs, const Settings& defaults,
                            std::span<const OtherModel> others) {
  const std::string title = fmt::format("Comparison of {} runs", runs.size());
  std::string html = header_html(title, "Each run's own sections unfold at the end.");
  html += comparability_html(runs);
  for (const RunRecord& run : runs)
    if (const std::string state = state_of(run); !state.empty())
      html += paragraph_html(fmt::format("{}: {}", run.name, state), "note");
  html += metric_comparison(runs) + curve_section(runs) + settings_comparison(runs) +
          cost_comparison(runs);
  for (const RunRecord& run : runs)
    html += details_html(run.name, metric_section(run) + frontier_section(run, others) +
                                       search_section(run) + time_section(run) +
                                       partition_section(run) + data_section(run) +
                                       settings_section(run, defaults));
  return whole_page(title, html);
}

}  // namespace

std::string report_page(std::span<const RunRecord> runs, const Settings& defaults,
                        std::span<const OtherModel> others) {
  return runs.size() == 1 ? page_of_one(runs.front(), defaults, others)
                          : page_of_several(runs, defaults, others);
}

void write_report(std::span<const std::string> directories, const std::string& output,
                  const Settings& defaults, std::span<const OtherModel> others) {
  std::vector<RunRecord> runs;
  for (const std::string& directory : directories) runs.push_back(read_run(directory));
  const auto has_frontier = [](const RunRecord& run) {
    return run.lambda && !run.lambda->frontier.empty();
  };
  if (!others.empty() && std::ranges::none_of(runs, has_frontier))
    throw InputError("--others: none of the runs has chosen lambda; leave it out");
  write_text_file(output, report_page(runs, defaults, others));
}

}  // namespace siren::inline observe
