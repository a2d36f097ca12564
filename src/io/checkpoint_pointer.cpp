// SPDX-License-Identifier: Apache-2.0
#include "io/checkpoint_pointer.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <functional>
#include <string_view>
#include <system_error>

#include <fmt/format.h>

#include "io/atomic_file.hpp"
#include "io/plain_file.hpp"
#include "siren/error.hpp"

namespace siren::inline io {

namespace fs = std::filesystem;

namespace {

constexpr std::int64_t kMostText = 255;  // bytes; a checkpoint is larger

bool same_contents(const std::string& one, const std::string& other) {
  constexpr std::size_t kPiece = std::size_t{1} << 20;
  const PlainFile first(one);
  const PlainFile second(other);
  if (first.length() != second.length()) return false;
  std::string a(kPiece, '\0');
  std::string b(kPiece, '\0');
  for (std::int64_t at = 0;; at += static_cast<std::int64_t>(kPiece)) {
    const std::size_t got = first.read(a.data(), kPiece, at);
    if (second.read(b.data(), kPiece, at) != got) return false;
    if (std::string_view(a).substr(0, got) != std::string_view(b).substr(0, got)) return false;
    if (got < kPiece) return true;
  }
}

/// Of a link that was copied as the file it pointed to.
std::optional<std::int64_t> step_of_copy(const std::string& directory, const std::string& path) {
  for (const std::int64_t step : checkpoint_steps_in(directory))
    if (same_contents(path, directory + "/" + checkpoint_name(step))) return step;
  return std::nullopt;
}

std::string text_of(const std::string& path) {
  std::string text(static_cast<std::size_t>(kMostText), '\0');
  text.resize(PlainFile(path).read(text.data(), text.size(), 0));
  return text.substr(0, text.find_first_of("\r\n"));
}

}  // namespace

std::string checkpoint_name(std::int64_t step) {
  return fmt::format("step-{:09}.h5", step);
}

std::optional<std::int64_t> step_of_checkpoint(const std::string& name) {
  constexpr std::string_view kBefore = "step-";
  if (!name.starts_with(kBefore)) return std::nullopt;
  std::int64_t step = -1;
  std::from_chars(name.data() + kBefore.size(), name.data() + name.size(), step);
  if (step < 0 || name != checkpoint_name(step)) return std::nullopt;
  return step;
}

std::vector<std::int64_t> checkpoint_steps_in(const std::string& directory) {
  std::vector<std::int64_t> steps;
  std::error_code error;
  fs::directory_iterator entry(directory, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error))
    if (const auto step = step_of_checkpoint(entry->path().filename().string()))
      steps.push_back(*step);
  std::sort(steps.begin(), steps.end(), std::greater<>());
  return steps;
}

void write_pointer(const std::string& directory, const std::string& name, std::int64_t step) {
  const std::string path = fmt::format("{}/{}", directory, name);
  try {
    write_text_file(path, checkpoint_name(step) + "\n", Links::kReplace);
  } catch (const InputError& failure) {  // a run could write here when it began
    throw EnvironmentError(failure.what());
  }
}

std::optional<std::int64_t> follow_pointer(const std::string& directory, const std::string& name) {
  const std::string path = fmt::format("{}/{}", directory, name);
  std::error_code error;
  const fs::file_status status = fs::symlink_status(path, error);
  std::optional<std::int64_t> step;
  if (fs::is_symlink(status))
    step = step_of_checkpoint(fs::read_symlink(path, error).string());  // not one elsewhere
  else if (fs::is_regular_file(status) && fs::file_size(path, error) <= kMostText)
    step = step_of_checkpoint(text_of(path));
  else if (fs::is_regular_file(status))
    step = step_of_copy(directory, path);
  if (!step || !fs::exists(fmt::format("{}/{}", directory, checkpoint_name(*step)), error))
    return std::nullopt;
  return step;
}

bool is_pointer_name(const std::string& path) {
  const std::string name = fs::path(path).filename().string();
  return name == "latest" || name == "best";
}

bool is_pointer(const std::string& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  return !fs::exists(status) ||
         (fs::is_regular_file(status) && fs::file_size(path, error) <= kMostText);
}

}  // namespace siren::inline io
