// SPDX-License-Identifier: Apache-2.0
// The directory of one training run:
//
//   config.ini                     complete configuration, re-runnable with --config
//   metrics.jsonl, log.txt
//   checkpoints/step-000001000.h5  and `latest`, a link to the newest complete one
#pragma once

#include <cstdint>
#include <string>

namespace siren {

class RunDirectory {
 public:
  /// Names only; nothing is touched.
  explicit RunDirectory(std::string path) : path_(std::move(path)) {}

  /// Makes the directories and writes config.ini. InputError if a run is there already or the place
  /// cannot be written. One rank only.
  void create(const std::string& config) const;
  /// The text of config.ini; InputError if this is no run directory.
  std::string config() const;

  const std::string& path() const { return path_; }
  std::string config_path() const { return path_ + "/config.ini"; }
  std::string metrics_path() const { return path_ + "/metrics.jsonl"; }
  std::string log_path() const { return path_ + "/log.txt"; }
  std::string checkpoint_path(std::int64_t step) const;

  /// Points `latest` to a published checkpoint and removes all but the newest `keep`. One rank
  /// only.
  void set_latest(std::int64_t step, int keep) const;
  /// Path of the newest complete checkpoint; InputError if there is none.
  std::string latest_checkpoint() const;

 private:
  std::string path_;
};

}  // namespace siren
