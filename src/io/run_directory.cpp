// SPDX-License-Identifier: Apache-2.0
#include "siren/io/run_directory.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
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

void RunDirectory::set_latest(std::int64_t step, int keep) const {
  const std::string directory = path_ + "/checkpoints";
  const std::string link = directory + "/latest.tmp";
  fs::remove(link);
  fs::create_symlink(fs::path(checkpoint_path(step)).filename(), link);
  fs::rename(link, directory + "/latest");
  flush_to_disk(directory);

  std::vector<fs::path> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory))
    if (entry.path().filename().string().starts_with("step-") && entry.path().extension() == ".h5")
      files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  for (std::size_t i = 0; i + static_cast<std::size_t>(keep) < files.size(); ++i)
    fs::remove(files[i]);
}

std::string RunDirectory::latest_checkpoint() const {
  config();
  const std::string link = path_ + "/checkpoints/latest";
  if (!fs::exists(link))
    throw InputError(fmt::format("--run {}: no complete checkpoint yet", path_));
  return (fs::path(path_) / "checkpoints" / fs::read_symlink(link)).string();
}

}  // namespace siren
