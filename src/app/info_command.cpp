// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <filesystem>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "app/commands.hpp"
#include "app/option_parser.hpp"
#include "core/terminal.hpp"
#include "core/text.hpp"
#include "data/dataset_file.hpp"
#include "events/json.hpp"
#include "io/block_hashes.hpp"
#include "observe/dataset_report.hpp"
#include "observe/model_file_report.hpp"
#include "observe/run_report.hpp"
#include "siren/error.hpp"
#include "train/run_checkpoints.hpp"

namespace siren::inline app {
namespace {

namespace fs = std::filesystem;

struct InfoOptions {
  std::string path;
  bool json = false;
  bool verify = true;
};

OptionParser declare(InfoOptions& o) {
  OptionParser options(
      "info", "FILE|DIR [--json]",
      "Says what a file is and what is in it: a data set, a run directory, a checkpoint, exported\n"
      "embeddings or recommended lists (HDF5).");
  options.positional("FILE", o.path);
  options.flag("json", o.json, "one JSON object instead of text");
  options.flag("verify", o.verify,
               "compare all contents with their checksums (default; --verify=false skips it)");
  return options;
}

void show_dataset(const InfoOptions& o) {
  const DatasetFile data(o.path);
  if (o.verify) data.verify();
  const DatasetSummary& summary = data.summary();
  const DatasetDetails details = look_into(data);
  if (o.json) {
    nlohmann::ordered_json json = dataset_as_json(summary, o.path);
    json.update(details_as_json(summary, details));
    print_json(json, -1);
    return;
  }
  print_lines(fmt::format("{:<11}{}: dataset, format {}{}\n", "file", printable(o.path),
                          summary.format_version, o.verify ? ", all checksums match" : ""));
  print_lines(fmt::format("{:<11}{} (siren {})\n", "made by", printable(summary.command),
                          printable(summary.program_version)));
  print_lines(fmt::format("{:<11}{}\n", "content", printable(summary.content_hash)));
  print_lines(describe_dataset(summary) + describe_details(summary, details));
}

void print_json_or_lines(const InfoOptions& o, const nlohmann::ordered_json& json,
                         std::string (*describe)(const nlohmann::ordered_json&)) {
  if (o.json)
    print_json(json, -1);
  else
    print_lines(describe(json));
}

void show_run(const Communicator& alone, const InfoOptions& o) {
  const nlohmann::ordered_json json = run_as_json(alone, o.path, o.verify);
  print_json_or_lines(o, json, describe_run);
}

/// A checkpoint that its hashes do not confirm is not opened: HDF5 might not survive it.
void show_model_file(const Communicator& alone, const InfoOptions& o) {
  std::error_code error;
  const bool hashed = fs::exists(block_hashes_path(o.path), error);
  if (o.verify && hashed) verify_block_hashes(alone, o.path);
  const ModelFileKind kind = model_file_kind(o.path);
  if (kind == ModelFileKind::kOther)
    throw InputError(fmt::format(
        "{}: not a file of siren; info knows data sets, run directories, checkpoints, exported "
        "embeddings and recommended lists in HDF5",
        o.path));
  if (o.verify && !hashed && kind == ModelFileKind::kCheckpoint)
    verify_block_hashes(alone, o.path);  // says that there are none
  const nlohmann::ordered_json json = model_file_as_json(o.path, kind);
  print_json_or_lines(o, json, describe_model_file);
}

void show(const Communicator& alone, const InfoOptions& o) {
  if (o.path.empty()) throw InputError("no file named: siren info FILE|DIR");
  std::error_code error;
  const fs::file_status status = fs::status(o.path, error);
  if (error) throw InputError(fmt::format("{}: {}", o.path, error.message()));
  if (fs::is_directory(status)) return show_run(alone, o);
  if (!fs::is_regular_file(status))
    throw InputError(
        fmt::format("{}: neither a file nor a directory; name a file of siren", o.path));
  if (looks_like_dataset(o.path)) return show_dataset(o);
  if (fs::file_size(o.path, error) == 0) throw InputError(fmt::format("{} is empty", o.path));
  show_model_file(alone, o);
}

}  // namespace

int run_info(const Communicator& comm, CommandArgs args) {
  const Communicator alone = comm.split(comm.rank(), 0);  // rank 0 works, the others wait
  agree_on_input(comm, [&] {
    if (!comm.is_root()) return;
    InfoOptions o;
    OptionParser options = declare(o);
    if (!options.parse(args)) return;
    options.apply();
    const HeldCheckpoint held = checkpoint_meant_by(alone, o.path);
    o.path = held.path;
    show(alone, o);
  });
  return static_cast<int>(ExitCode::kDone);
}

}  // namespace siren::inline app
