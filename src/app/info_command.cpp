// SPDX-License-Identifier: Apache-2.0
#include "siren/app/info_command.hpp"

#include <cstdio>

#include <fmt/format.h>

#include "siren/app/dataset_report.hpp"
#include "siren/app/option_parser.hpp"
#include "siren/core/error.hpp"
#include "siren/io/dataset_file.hpp"

namespace siren {
namespace {

void show_dataset(const std::string& path, bool json, bool verify) {
  const DatasetFile data(path);
  if (verify) data.verify();
  const DatasetSummary& summary = data.summary();
  if (json) {
    fmt::print("{}\n", dataset_as_json(summary, path));
    return;
  }
  fmt::print("{:<11}{}: dataset, format {}{}\n", "file", path, kDatasetFormatVersion,
             verify ? ", all checksums match" : "");
  fmt::print("{:<11}{} (siren {})\n", "made by", summary.command, summary.program_version);
  fmt::print("{:<11}{}\n", "content", summary.content_hash);
  std::fputs(describe_dataset(summary).c_str(), stdout);
}

void info(std::span<const std::string> args) {
  std::string path;
  bool json = false;
  bool verify = true;
  OptionParser options("info", "FILE.h5 [--json]", "Says what a file is and what is in it.");
  options.positional("FILE", path);
  options.flag("json", json, "one JSON object instead of text");
  options.flag("verify", verify,
               "compare all contents with their checksums (default; --verify=false skips it)");
  if (!options.parse(args)) return;
  options.apply();
  if (path.empty()) throw InputError("no file named: siren info FILE.h5");
  show_dataset(path, json, verify);
}

}  // namespace

int run_info(const Communicator& comm, std::span<const std::string> args) {
  agree_on_input(comm, [&] {
    if (comm.is_root()) info(args);
  });
  return static_cast<int>(ExitCode::kDone);
}

}  // namespace siren
