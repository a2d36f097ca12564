// SPDX-License-Identifier: Apache-2.0
#include "app/cv_grid.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <string_view>

#include <fmt/format.h>

#include "app/option_parser.hpp"
#include "app/run_options.hpp"
#include "siren/error.hpp"

namespace siren::inline app {

namespace {

/// What makes runs comparable, where they go, or what is for the whole command.
constexpr std::array<std::string_view, 11> kNotVaried = {
    "data",       "fold",  "seed",      "run",     "resume",      "config",
    "time-limit", "quiet", "log-level", "threads", "hang-timeout"};

std::vector<std::string> parts_of(std::string_view text) {
  std::vector<std::string> parts;
  for (;;) {
    const std::size_t comma = text.find(',');
    parts.emplace_back(text.substr(0, comma));
    if (comma == std::string_view::npos) return parts;
    text.remove_prefix(comma + 1);
  }
}

bool names_a_directory(std::string_view name) {
  constexpr std::string_view kAllowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  return !name.empty() && name.front() != '.' && name.front() != '-' &&
         name.find_first_not_of(kAllowed) == std::string_view::npos;
}

}  // namespace

Variation parse_variation(const std::string& text) {
  const std::size_t colon = text.find(':');
  Variation variation{text.substr(0, colon), {}};
  if (!names_a_directory(variation.name))
    throw InputError(
        fmt::format("--variation {}: '{}' is no name for a directory; use letters, digits, '.', "
                    "'_' and '-', as in small:dim=32,layers=2",
                    text, variation.name));
  if (colon == std::string::npos) return variation;
  for (const std::string& part : parts_of(std::string_view(text).substr(colon + 1))) {
    if (const bool goes_on = !part.empty() && part.find('=') == std::string::npos;
        goes_on && !variation.options.empty()) {  // the value before is a list
      variation.options.back() += "," + part;
      continue;
    }
    const std::size_t equals = part.find('=');
    const std::string key = part.substr(0, equals);
    if (equals == std::string::npos || key.empty())
      throw InputError(fmt::format("--variation {}: expected KEY=VALUE, not '{}'", text, part));
    if (std::find(kNotVaried.begin(), kNotVaried.end(), key) != kNotVaried.end())
      throw InputError(
          fmt::format("--variation {}: {} is the same in all variations; leave it out", text, key));
    variation.options.push_back("--" + part);
  }
  return variation;
}

std::vector<std::int64_t> parse_numbers(const std::string& option, const std::string& text,
                                        std::int64_t least) {
  std::vector<std::int64_t> numbers;
  for (const std::string& part : parts_of(text)) {
    const std::int64_t number = parse_number<std::int64_t>(
        {part, option}, {least, std::numeric_limits<std::int64_t>::max()});
    if (std::find(numbers.begin(), numbers.end(), number) != numbers.end())
      throw InputError(fmt::format("{} {}: {} stands there twice", option, text, number));
    numbers.push_back(number);
  }
  return numbers;
}

std::vector<CvRun> CvGrid::runs() const {
  std::vector<CvRun> runs;
  for (const Variation& variation : variations)
    for (const std::int64_t seed : seeds)
      for (const std::int64_t fold : folds) {
        CvRun run{variation.name, fold, seed, "", "", {}};
        run.name = fmt::format("{}-fold{}-seed{}", variation.name, fold, seed);
        run.directory = fmt::format("{}/runs/{}", output, run.name);
        run.options = merged_options(options, variation.options);
        run.options.push_back(fmt::format("--fold={}", fold));
        run.options.push_back(fmt::format("--seed={}", seed));
        run.options.push_back("--run=" + run.directory);
        runs.push_back(run);
      }
  return runs;
}

}  // namespace siren::inline app
