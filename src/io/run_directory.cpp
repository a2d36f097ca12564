// SPDX-License-Identifier: Apache-2.0
#include "siren/io/run_directory.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <vector>

#include <fmt/format.h>

#include "siren/core/error.hpp"
#include "siren/io/atomic_file.hpp"
#include "siren/io/block_hashes.hpp"
#include "siren/io/plain_file.hpp"

namespace siren {

namespace fs = std::filesystem;

void RunDirectory::create(const std::string& config) const {
  if (fs::exists(config_path()))
    throw InputError(fmt::format(
        "--run {}: a run is there already; choose another directory, or --resume to continue it",
        path_));
  std::error_code error;
  fs::create_directories(path_ + "/checkpoints", error);
  if (error)
    throw InputError(
        fmt::format("--run {}: cannot make the directory ({})", path_, error.message()));
  rewrite_config(config);
}

void RunDirectory::rewrite_config(const std::string& config) const {
  write_text_file(config_path(), config);
}

std::int64_t RunDirectory::metrics_bytes() const {
  std::error_code error;
  const std::uintmax_t bytes = fs::file_size(metrics_path(), error);
  return error ? 0 : static_cast<std::int64_t>(bytes);
}

void RunDirectory::cut_metrics(std::int64_t bytes) const {
  if (metrics_bytes() <= bytes) return;
  fs::resize_file(metrics_path(), static_cast<std::uintmax_t>(bytes));
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
  return fmt::format("{}/checkpoints/step-{:09}.h5", path_, step);
}

void RunDirectory::set_link(const std::string& name, std::int64_t step) const {
  const std::string directory = path_ + "/checkpoints";
  const std::string link = fmt::format("{}/{}.tmp", directory, name);
  fs::remove(link);
  fs::create_symlink(fs::path(checkpoint_path(step)).filename(), link);
  fs::rename(link, fmt::format("{}/{}", directory, name));
  flush_to_disk(directory);
}

std::optional<std::string> RunDirectory::linked(const std::string& name) const {
  const fs::path link = fs::path(path_) / "checkpoints" / name;
  if (!fs::exists(link)) return std::nullopt;
  return (link.parent_path() / fs::read_symlink(link)).string();
}

std::vector<std::int64_t> RunDirectory::checkpoint_steps() const {
  std::vector<std::int64_t> steps;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(path_ + "/checkpoints", error)) {
    const std::string name = entry.path().filename().string();
    long long step = 0;
    if (std::sscanf(name.c_str(), "step-%lld", &step) == 1 &&
        entry.path().filename() == fs::path(checkpoint_path(step)).filename())
      steps.push_back(step);
  }
  std::sort(steps.begin(), steps.end(), std::greater<>());
  return steps;
}

void RunDirectory::remove_checkpoint(std::int64_t step) const {
  const std::string path = checkpoint_path(step);
  for (const std::string& file : {path, block_hashes_path(path)}) {
    std::error_code error;
    fs::remove(file, error);
    if (error)
      throw EnvironmentError(fmt::format("removing the old {}: {}", file, error.message()));
  }
}

void RunDirectory::remove_old_checkpoints(int keep) const {
  const std::vector<std::int64_t> steps = checkpoint_steps();
  const std::optional<std::string> latest = linked("latest");
  const std::optional<std::string> best = linked("best");
  for (std::size_t i = static_cast<std::size_t>(keep); i < steps.size(); ++i) {
    const std::string path = checkpoint_path(steps[i]);
    if (path != latest && path != best) remove_checkpoint(steps[i]);
  }
}

void RunDirectory::put_aside(std::int64_t step) const {
  const std::string path = checkpoint_path(step);
  fs::rename(path, path + ".damaged");
  fs::remove(block_hashes_path(path));
  flush_to_disk(path_ + "/checkpoints");
}

std::string RunDirectory::preferred_checkpoint() const {
  config();
  for (const char* name : {"best", "latest"})
    if (const std::optional<std::string> path = linked(name)) return *path;
  throw InputError(fmt::format("--run {}: no complete checkpoint yet", path_));
}

}  // namespace siren
