// SPDX-License-Identifier: Apache-2.0
#include "observe/other_models.hpp"

#include <charconv>
#include <cstdint>
#include <sstream>
#include <string_view>

#include <fmt/format.h>

#include "core/text.hpp"
#include "io/plain_file.hpp"
#include "siren/error.hpp"

namespace siren::inline observe {

namespace {

constexpr std::int64_t kMostBytes = 100000;
constexpr std::size_t kMostModels = 6;  // as many as there are colours besides the frontier's two
constexpr std::string_view kHeader = "name,nDCG@10,Dislike@10";

/// The last field of `line`, which loses it and its comma; a share from 0 to 1, or nothing.
bool take_share(std::string_view& line, double& share) {
  const std::size_t comma = line.rfind(',');
  if (comma == std::string_view::npos) return false;
  const std::string_view text = trimmed(line.substr(comma + 1));
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), share);
  line = line.substr(0, comma);
  return error == std::errc() && end == text.data() + text.size() && share >= 0.0 && share <= 1.0;
}

}  // namespace

std::vector<OtherModel> parse_other_models(const std::string& text, const std::string& file) {
  std::vector<OtherModel> models;
  std::istringstream lines(text);
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    std::string_view rest = line;
    if (rest.ends_with('\r')) rest.remove_suffix(1);
    if (trimmed(rest).empty() || (number == 1 && rest == kHeader)) continue;
    OtherModel model{};
    if (!take_share(rest, model.dislike) || !take_share(rest, model.ndcg) || trimmed(rest).empty())
      throw InputError(
          fmt::format("{}:{}: expected {} with numbers from 0 to 1", file, number, kHeader));
    model.name = trimmed(rest);
    models.push_back(std::move(model));
  }
  if (models.empty() || models.size() > kMostModels)
    throw InputError(fmt::format("{}: {} models; give 1 to {}", file, models.size(), kMostModels));
  return models;
}

std::vector<OtherModel> read_other_models(const std::string& path) {
  return parse_other_models(read_small_file(path, kMostBytes), path);
}

}  // namespace siren::inline observe
