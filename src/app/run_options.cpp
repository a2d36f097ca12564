// SPDX-License-Identifier: Apache-2.0
#include "app/run_options.hpp"

#include <algorithm>
#include <filesystem>
#include <system_error>

namespace siren::inline app {

bool is_one_of(std::string_view name, std::span<const std::string_view> names) {
  return std::ranges::find(names, name) != names.end();
}

std::string_view name_of_option(std::string_view option) {
  option.remove_prefix(std::string_view("--").size());
  return option.substr(0, option.find('='));
}

std::vector<std::string> merged_options(const std::vector<std::string>& base,
                                        const std::vector<std::string>& own) {
  std::vector<std::string> merged;
  for (const std::string& option : base)
    if (std::ranges::find(own, name_of_option(option), name_of_option) == own.end())
      merged.push_back(option);
  merged.insert(merged.end(), own.begin(), own.end());
  return merged;
}

std::string whole_path(const std::string& path) {
  std::error_code error;  // as it is, where the working directory is gone
  const std::filesystem::path whole = std::filesystem::absolute(path, error);
  return error ? path : whole.lexically_normal().string();
}

std::string passed_on(std::string_view name, const std::string& value) {
  return name == "data" || name == "init-from" ? whole_path(value) : value;
}

}  // namespace siren::inline app
