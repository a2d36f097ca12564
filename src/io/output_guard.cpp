// SPDX-License-Identifier: Apache-2.0
#include "siren/io/output_guard.hpp"

#include <filesystem>
#include <optional>
#include <system_error>

#include <fmt/format.h>

#include "siren/core/error.hpp"
#include "siren/io/atomic_file.hpp"
#include "siren/io/checkpoint_pointer.hpp"

namespace siren::inline io {

namespace fs = std::filesystem;

namespace {

/// Other programs have a config.ini and a folder named checkpoints, too.
bool is_run(const fs::path& directory) {
  std::error_code error;
  const fs::path config = directory / "config.ini";
  const fs::path metrics = directory / "metrics.jsonl";
  const fs::path checkpoints = directory / "checkpoints";
  if (!fs::is_regular_file(config, error)) return false;
  const bool has_metrics = fs::is_regular_file(metrics, error);
  if (has_metrics && file_kind(metrics.string()) == FileKind::kEvents) return true;
  if (!checkpoint_steps_in(checkpoints.string()).empty()) return true;
  return (has_metrics || fs::is_directory(checkpoints, error)) &&
         file_kind(config.string()) == FileKind::kConfig;
}

/// Of the directories above `path`, links followed, the lowest that holds a run.
std::optional<fs::path> run_around(const fs::path& path) {
  std::error_code error;
  fs::path directory = fs::weakly_canonical(fs::absolute(path, error), error).parent_path();
  for (; !directory.empty(); directory = directory.parent_path()) {
    if (is_run(directory)) return directory;
    if (directory == directory.root_path()) break;
  }
  return std::nullopt;
}

void refuse_inside_run(const std::string& path, const fs::path& target, bool is_report) {
  const std::optional<fs::path> run = run_around(target);
  if (!run) return;
  std::error_code error;
  if (is_report && fs::weakly_canonical(fs::absolute(target, error), error) == *run / "report.html")
    return;
  throw InputError(
      fmt::format("cannot write {}: {} is the directory of a run, which holds only what training "
                  "writes; choose a place outside it",
                  path, run->string()));
}

void refuse_other_kind(const std::string& path, const std::string& target, FileKind kind) {
  std::error_code error;
  if (!fs::exists(target, error)) return;
  const FileKind there = file_kind(target);
  if (there == kind || there == FileKind::kEmpty) return;
  throw InputError(fmt::format("{} exists and is not {} but {}; choose another name or remove it",
                               path, describe(kind), describe(there)));
}

}  // namespace

void guard_output(const std::string& path, FileKind kind, std::span<const std::string> inputs) {
  const std::string target = output_target(path);
  std::error_code error;
  for (const std::string& input : inputs)
    if (!input.empty() && fs::equivalent(target, input, error))
      throw InputError(
          fmt::format("cannot write {}: it is {}, which this command reads; choose another name",
                      path, path == input ? "the file" : input));
  refuse_inside_run(path, target, kind == FileKind::kReport);
  const AtomicFile probe(path);
  refuse_other_kind(path, target, kind);
}

void guard_output_directory(const std::string& path) {
  refuse_inside_run(path, path, false);
  const AtomicDirectory probe(path);
}

void guard_output_folder(const std::string& folder, std::span<const OutputName> files) {
  for (const OutputName& file : files) {
    const std::string path = fmt::format("{}/{}", folder, file.name);
    refuse_inside_run(path, path, false);
    refuse_other_kind(path, output_target(path), file.kind);
  }
}

}  // namespace siren::inline io
