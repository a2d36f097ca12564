// SPDX-License-Identifier: Apache-2.0
#include "siren/io/run_directory.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <vector>

#include <fmt/format.h>

#include "siren/core/error.hpp"
#include "siren/io/atomic_file.hpp"

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
  AtomicFile file(config_path());
  std::ofstream(file.temporary()) << config;
  file.publish();
}

std::string RunDirectory::config() const {
  std::ifstream file(config_path());
  if (!file)
    throw InputError(fmt::format("--run {}: not a run directory (no config.ini in it)", path_));
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
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

void RunDirectory::remove_old_checkpoints(int keep) const {
  std::vector<std::string> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(path_ + "/checkpoints"))
    if (entry.path().filename().string().starts_with("step-") && entry.path().extension() == ".h5")
      files.push_back(entry.path().string());
  std::sort(files.begin(), files.end(), std::greater<>());
  const std::optional<std::string> latest = linked("latest");
  const std::optional<std::string> best = linked("best");
  for (std::size_t i = static_cast<std::size_t>(keep); i < files.size(); ++i)
    if (files[i] != latest && files[i] != best) fs::remove(files[i]);
}

std::string RunDirectory::preferred_checkpoint() const {
  config();
  for (const char* name : {"best", "latest"})
    if (const std::optional<std::string> path = linked(name)) return *path;
  throw InputError(fmt::format("--run {}: no complete checkpoint yet", path_));
}

}  // namespace siren
