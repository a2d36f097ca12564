// SPDX-License-Identifier: Apache-2.0
// What `siren cv` was asked for, and whether a folder of results was made for the same.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "app/cv_grid.hpp"
#include "app/option_parser.hpp"
#include "app/train_options.hpp"

namespace siren::inline app {

class CvOptions {
 public:
  CvOptions();

  /// False if only help was wanted. InputError if the options do not fit, alone or in a variation.
  bool parse(std::span<const std::string> args);

  /// The runs that are asked for. Without --folds that is every fold of the data set, `folds` of
  /// them.
  CvGrid grid(std::int64_t folds) const;
  /// What to add to --run and --resume to continue a run in another way (threads, partition, ...).
  std::vector<std::string> options_of_resumed() const;
  const RunConfig& run() const { return run_; }
  const std::string& output() const { return output_; }
  std::int32_t groups() const { return groups_; }

  /// Those that were given, as a config file: with the presets of the variations it means the same.
  std::string config_text() const;
  /// Path of that file in the output folder.
  std::string config_path() const { return output_ + "/cv.ini"; }
  /// What stands in it: config_text() and which data set it was.
  std::string folder_text(const std::string& content_hash) const;
  /// InputError if runs are there already and were made of another data set, or with options that
  /// give other figures.
  void check_same_as_before(const std::string& content_hash) const;

 private:
  std::vector<std::string> train_options(bool only_free) const;
  bool has_runs() const;
  /// The figures of a run are the same with any value, so that it may differ from start to start.
  bool is_free(std::string_view name) const;

  RunConfig run_;
  std::string output_;
  std::string folds_;
  std::string seeds_ = "1";
  std::int32_t groups_ = 1;
  std::vector<std::string> variations_;
  OptionParser options_;
};

}  // namespace siren::inline app
