// SPDX-License-Identifier: Apache-2.0
// What `siren cv` was asked for, and whether a folder of results was made for the same.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "siren/app/cv_grid.hpp"
#include "siren/app/option_parser.hpp"
#include "siren/app/train_options.hpp"

namespace siren {

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

  /// All of them, as a config file.
  std::string config_text() const;
  /// Path of that file in the output folder.
  std::string config_path() const { return output_ + "/cv.ini"; }
  /// InputError if the file there, should there be one, holds options that give other figures.
  void check_same_as_before() const;

 private:
  std::vector<std::string> train_options(bool only_free) const;

  RunConfig run_;
  std::string output_;
  std::string folds_;
  std::string seeds_ = "1";
  std::int32_t groups_ = 1;
  std::vector<std::string> variations_;
  OptionParser options_;
};

}  // namespace siren
