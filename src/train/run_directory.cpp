// SPDX-License-Identifier: Apache-2.0
#include "train/run_directory.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <system_error>
#include <unistd.h>
#include <vector>

#include <fmt/format.h>

#include "io/atomic_file.hpp"
#include "io/block_hashes.hpp"
#include "io/checkpoint_pointer.hpp"
#include "io/lock_file.hpp"
#include "io/plain_file.hpp"
#include "siren/error.hpp"
#include "train/final_rows.hpp"
#include "train/lambda_choice.hpp"

namespace siren::inline train {

namespace fs = std::filesystem;

namespace {

/// EnvironmentError unless the system call `what` went well.
void check_call(bool well, std::string_view what, const std::string& path) {
  if (!well) throw EnvironmentError(fmt::format("{} {}: {}", what, path, std::strerror(errno)));
}

}  // namespace

bool RunDirectory::is_there() const {
  std::error_code error;
  return fs::is_directory(path_, error);
}

void RunDirectory::check_free() const {
  std::error_code error;
  if (fs::exists(config_path(), error))
    throw InputError(fmt::format(
        "--run {}: a run is there already; choose another directory, or --resume to continue it",
        path_));
}

bool RunDirectory::make() const {
  std::error_code error;
  const bool made = fs::create_directories(checkpoints_path(), error);
  if (error)
    throw InputError(
        fmt::format("--run {}: cannot make the directory ({})", path_, error.message()));
  return made;
}

void RunDirectory::create(const std::string& config) const {
  check_free();
  make();
  rewrite_config(config);
}

void RunDirectory::rewrite_config(const std::string& config) const {
  write_text_file(config_path(), config);
}

bool RunDirectory::each_event(const std::function<void(const Event&)>& visit) const {
  require_ordinary(metrics_path());
  std::ifstream lines(metrics_path());
  return siren::each_event(lines, metrics_path(), visit);
}

std::int64_t RunDirectory::metrics_bytes() const {
  std::error_code error;
  const std::uintmax_t bytes = fs::file_size(metrics_path(), error);
  return error ? 0 : static_cast<std::int64_t>(bytes);
}

void RunDirectory::cut_metrics(std::int64_t bytes) const {
  if (metrics_bytes() <= bytes) return;
  check_call(::truncate(metrics_path().c_str(), bytes) == 0, "shortening", metrics_path());
}

std::string RunDirectory::config() const {
  constexpr std::int64_t kMostBytes = std::int64_t{1} << 24;
  std::error_code error;
  if (!fs::exists(config_path(), error))
    throw InputError(fmt::format(
        "{}: not a run directory (no config.ini in it); name one that `siren train` made", path_));
  return read_small_file(config_path(), kMostBytes);
}

std::string RunDirectory::checkpoint_path(std::int64_t step) const {
  return fmt::format("{}/{}", checkpoints_path(), checkpoint_name(step));
}

std::vector<std::int64_t> RunDirectory::checkpoint_steps() const {
  return checkpoint_steps_in(checkpoints_path());
}

void RunDirectory::remove_checkpoint(std::int64_t step) const {
  const std::string path = checkpoint_path(step);
  const std::optional<LockFile> lock = lock_to_remove(path);
  if (!lock) return;
  remove_final_rows(path);
  for (const std::string& file : {path, block_hashes_path(path), lambda_path(path)}) {
    std::error_code error;
    fs::remove(file, error);
    if (error)
      throw EnvironmentError(fmt::format("removing the old {}: {}", file, error.message()));
  }
}

void RunDirectory::remove_old_checkpoints(int keep) const {
  const std::vector<std::int64_t> steps = checkpoint_steps();
  const std::optional<std::int64_t> newest = latest();
  const std::optional<std::int64_t> chosen = best();
  for (std::size_t i = static_cast<std::size_t>(keep); i < steps.size(); ++i)
    if (steps[i] != newest && steps[i] != chosen) remove_checkpoint(steps[i]);
}

std::optional<RunDirectory> RunDirectory::chosen_stage() const {
  constexpr std::int64_t kMostBytes = 4096;
  const std::string pointer = stages_path() + "/chosen";
  std::error_code error;
  if (!fs::exists(pointer, error)) return std::nullopt;
  std::string name = read_small_file(pointer, kMostBytes);
  if (name.ends_with('\n')) name.pop_back();
  RunDirectory stage(fmt::format("{}/{}", stages_path(), name));
  return fs::exists(stage.config_path(), error) ? std::optional(stage) : std::nullopt;
}

void RunDirectory::set_chosen_stage(const std::string& name) const {
  write_text_file(stages_path() + "/chosen", name + "\n");
}

void RunDirectory::put_aside(std::int64_t step) const {
  const std::string path = checkpoint_path(step);
  const std::string aside = path + ".damaged";
  const std::string hashes = block_hashes_path(path);
  check_call(std::rename(path.c_str(), aside.c_str()) == 0, "renaming", path);
  const int renamed = std::rename(hashes.c_str(), (aside + ".hashes").c_str());
  check_call(renamed == 0 || errno == ENOENT, "renaming", hashes);
  flush_to_disk(checkpoints_path());
}

}  // namespace siren::inline train
