// SPDX-License-Identifier: Apache-2.0
#include "app/cv_options.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <numeric>
#include <sstream>
#include <string_view>

#include <fmt/format.h>

#include "app/run_options.hpp"
#include "app/stored_model.hpp"
#include "app/train_command.hpp"
#include "io/plain_file.hpp"
#include "siren/error.hpp"
#include "train/run_directory.hpp"

namespace siren::inline app {

namespace {

constexpr std::array<std::string_view, 5> kOwn = {"output", "folds", "seeds", "groups",
                                                  "variation"};
/// Options of training that belong to the whole, or that each run gets from its place in the grid.
constexpr std::array<std::string_view, 6> kNotPassedOn = {"fold",       "seed",  "run",
                                                          "time-limit", "quiet", "log-level"};
constexpr std::string_view kContent = "# content of the data set: ";

/// Of the data set for which the file at `path` was written; empty if it does not say.
std::string content_in(const std::string& path) {
  constexpr std::int64_t kMostBytes = std::int64_t{1} << 24;
  std::istringstream text(read_small_file(path, kMostBytes));
  for (std::string line; std::getline(text, line);)
    if (line.starts_with(kContent)) return line.substr(kContent.size());
  return {};
}

}  // namespace

CvOptions::CvOptions()
    : options_("cv", "--data FILE --output DIR [options]",
               "Trains folds x seeds x variations side by side, groups of ranks taking turns, and "
               "compares them.\nCalled again with the same options it continues what is not "
               "finished. All options of `siren train`\nmay be given, too, for all runs, except "
               "--fold, --seed, --run and --resume.") {
  options_.text("output", output_, "DIR", "folder for runs/, results.csv and results.json");
  options_.text("folds", folds_, "K,K,...", "folds to test on (default: all of the data set)");
  options_.text("seeds", seeds_, "N,N,...", "each fold is trained once with each (default: 1)");
  options_.number("groups", groups_, {1}, "G", "runs at a time; each has 1/G of the ranks");
  options_.list("variation", variations_, "NAME:KEY=VALUE,...",
                "train it all so, too; repeatable, the first is compared with");
  options_.hide_the_rest();
  declare_run_options(options_, run_);
}

bool CvOptions::parse(std::span<const std::string> args) {
  if (!options_.parse(args)) return false;
  for (const auto& [name, instead] :
       {std::pair("fold", "--folds"), std::pair("seed", "--seeds"), std::pair("run", "--output")})
    if (options_.given(name))
      throw InputError(
          fmt::format("--{} belongs to siren train; siren cv takes {}", name, instead));
  apply_preset(options_, run_);
  options_.apply();
  validate(run_);
  if (output_.empty()) throw InputError("--output is missing: name a folder for runs and results");
  const CvGrid all = grid(1);
  for (const Variation& variation : all.variations) {
    CvGrid one = all;
    one.variations = {variation};
    try {
      check_train_options(one.runs().front().options);
    } catch (const InputError& error) {
      if (variation.options.empty()) throw;
      throw InputError(fmt::format("--variation {}: {}", variation.name, error.what()));
    }
  }
  return true;
}

std::vector<std::string> CvOptions::train_options(bool only_free) const {
  std::vector<std::string> result;
  for (const std::string& name : options_.given_names()) {
    if (is_one_of(name, kOwn) || is_one_of(name, kNotPassedOn)) continue;
    if (only_free && !is_free(name)) continue;
    result.push_back(fmt::format("--{}={}", name, *options_.text_of(name)));
  }
  return result;
}

bool CvOptions::is_free(std::string_view name) const {
  return options_.on_resume(name) == OnResume::kFree;
}

std::vector<std::string> CvOptions::options_of_resumed() const {
  return train_options(true);
}

CvGrid CvOptions::grid(std::int64_t folds) const {
  CvGrid grid;
  grid.output = output_;
  grid.options = train_options(false);
  for (const std::string& text : variations_) {
    const Variation variation = parse_variation(text);
    for (const Variation& other : grid.variations)
      if (other.name == variation.name)
        throw InputError(
            fmt::format("--variation {}: the name {} stands there twice", text, variation.name));
    grid.variations.push_back(variation);
  }
  if (grid.variations.empty()) grid.variations.push_back({"base", {}});
  grid.folds.resize(static_cast<std::size_t>(folds));
  std::iota(grid.folds.begin(), grid.folds.end(), std::int64_t{1});
  if (!folds_.empty()) grid.folds = parse_numbers("--folds", folds_, 1);
  grid.seeds = parse_numbers("--seeds", seeds_, 0);
  return grid;
}

std::string CvOptions::config_text() const {
  Settings settings;
  for (const std::string& name : options_.names()) {
    if (!options_.given(name) || name == "variation" || is_one_of(name, kNotPassedOn)) continue;
    settings.add(name, options_.value_of(name));
  }
  for (const std::string& variation : variations_) settings.add("variation", variation);
  return settings.print();
}

std::string CvOptions::folder_text(const std::string& content_hash) const {
  return fmt::format("{}{}\n{}", kContent, content_hash, config_text());
}

bool CvOptions::has_runs() const {
  std::error_code error;
  std::filesystem::directory_iterator entry(output_ + "/runs", error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error))
    if (std::filesystem::exists(RunDirectory(entry->path().string()).config_path(), error))
      return true;
  return false;
}

void CvOptions::check_same_as_before(const std::string& content_hash) const {
  std::error_code error;
  if (!std::filesystem::exists(config_path(), error) || !has_runs()) return;
  const std::string content = content_in(config_path());
  if (!content.empty() && content != content_hash)
    throw InputError(fmt::format(
        "--output {}: made with other ratings in {} (content {}, now {}); choose another folder, "
        "or prepare the same data set",
        output_, run_.data.data, content, content_hash));
  CvOptions before;
  before.options_.parse(std::vector<std::string>{"--config", config_path()});
  apply_preset(before.options_, before.run_);
  before.options_.apply();
  for (const std::string& name : options_.names()) {
    if (is_one_of(name, kOwn) || is_free(name) || is_one_of(name, kNotPassedOn)) continue;
    const std::string now = options_.value_of(name);
    const std::string then = before.options_.value_of(name);
    if (now != then)
      throw InputError(fmt::format(
          "--output {}: made with --{} {}, not {}; choose another folder, or the same "
          "options",
          output_, name, then.empty() ? "not given" : then, now.empty() ? "without" : now));
  }
  for (const Variation& ours : grid(1).variations)
    for (const Variation& theirs : before.grid(1).variations)
      if (ours.name == theirs.name && ours.options != theirs.options)
        throw InputError(
            fmt::format("--output {}: there the variation {} has other options; choose another "
                        "name or another folder",
                        output_, ours.name));
}

}  // namespace siren::inline app
