// SPDX-License-Identifier: Apache-2.0
#include <vector>

#include <fmt/format.h>

#include "app/commands.hpp"
#include "app/option_parser.hpp"
#include "app/train_options.hpp"
#include "core/log.hpp"
#include "core/terminal.hpp"
#include "core/text.hpp"
#include "io/output_guard.hpp"
#include "observe/report_page.hpp"
#include "siren/error.hpp"
#include "train/run_directory.hpp"

namespace siren::inline app {

namespace {

/// What a run has if nothing is given for it.
Settings default_settings() {
  RunConfig config;
  OptionParser options("train", "", "");
  declare_run_options(options, config);
  return options.settings();
}

void report(std::span<const std::string> args) {
  std::vector<std::string> runs;
  std::string output;
  std::string others;
  OptionParser options(
      "report", "RUN... [options]",
      "Writes what runs did as one HTML file: curves, metrics, time, balance, data, "
      "options.\nSeveral runs are compared.");
  options.positional("RUN", runs);
  options.text("output", output, "FILE",
               "(default: RUN/report.html, for several runs ./report.html)");
  options.text("others", others, "FILE",
               "validation figures of other models, to draw: name,nDCG@10,Dislike@10");
  if (!options.parse(args)) return;
  options.apply();
  if (runs.empty()) throw InputError("no run named: siren report RUN...");
  if (output.empty())
    output = runs.size() == 1 ? RunDirectory(runs.front()).report_path() : "report.html";
  guard_output(output, FileKind::kReport, {});
  write_report(runs, output, default_settings(),
               others.empty() ? std::vector<OtherModel>() : read_other_models(others));
  // A program may read the name; a person's terminal must not be steered by it.
  fmt::print("{}\n", stdout_is_terminal() ? printable(output) : output);
}

}  // namespace

int run_report(const Communicator& comm, CommandArgs args) {
  agree_on_input(comm, [&] {
    if (comm.is_root()) report(args);
  });
  return static_cast<int>(ExitCode::kDone);
}

void write_own_report(const std::string& run) {
  const std::string path = RunDirectory(run).report_path();
  try {
    write_report({&run, 1}, path, default_settings());
    spdlog::info("report: {}", path);
  } catch (const std::exception& error) {
    spdlog::warn("no report: {}", error.what());
  }
}

}  // namespace siren::inline app
