// SPDX-License-Identifier: Apache-2.0
// The directory of one training run:
//
//   config.ini                     complete configuration, re-runnable with --config
//   metrics.jsonl, log.txt, report.html
//   lock                           while a process writes there (train/run_lock.hpp)
//   checkpoints/step-000001000.h5  `latest` names the newest complete one, `best` the one that did
//                                  best on the validation split (io/checkpoint_pointer.hpp)
//   checkpoints/step-000001000.h5.lambda  of a factored model (train/lambda_choice.hpp)
//   checkpoints/rows-000001000.h5  final rows of a finished run (train/final_rows.hpp)
//   stages/                        the runs of its search (--preset best; app/model_search.hpp)
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "events/events.hpp"
#include "io/checkpoint_pointer.hpp"

namespace siren::inline train {

class RunDirectory {
 public:
  /// Names only; nothing is touched.
  explicit RunDirectory(std::string path) : path_(std::move(path)) {}

  bool is_there() const;
  /// InputError if a run is there already.
  void check_free() const;
  /// Makes what is missing of the directories; true if there was something. InputError if that
  /// fails. One rank only.
  bool make() const;
  /// Makes the directories and writes config.ini. InputError if a run is there already or the place
  /// cannot be written. One rank only.
  void create(const std::string& config) const;
  /// The text of config.ini; InputError if this is no run directory.
  std::string config() const;

  const std::string& path() const { return path_; }
  std::string config_path() const { return path_ + "/config.ini"; }
  std::string metrics_path() const { return path_ + "/metrics.jsonl"; }
  std::string log_path() const { return path_ + "/log.txt"; }
  std::string report_path() const { return path_ + "/report.html"; }
  std::string stages_path() const { return path_ + "/stages"; }
  /// The run that its search chose, if that is not this one itself.
  std::optional<RunDirectory> chosen_stage() const;
  /// Names that run, which lies in stages/.
  void set_chosen_stage(const std::string& name) const;
  std::string checkpoints_path() const { return path_ + "/checkpoints"; }
  std::string checkpoint_path(std::int64_t step) const;
  /// Steps of all checkpoints, newest first.
  std::vector<std::int64_t> checkpoint_steps() const;
  /// Replaces config.ini. One rank only.
  void rewrite_config(const std::string& config) const;
  /// Calls visit(event) for each of metrics.jsonl; none if there is no such file. False if the last
  /// line is without its end. InputError if it is no ordinary file, or a line is no event.
  bool each_event(const std::function<void(const Event&)>& visit) const;
  /// Length of metrics.jsonl; 0 if there is none.
  std::int64_t metrics_bytes() const;
  /// Removes everything behind the first `bytes` of metrics.jsonl. One rank only.
  void cut_metrics(std::int64_t bytes) const;
  /// Renames a damaged checkpoint, so that no program takes it for one. One rank only.
  void put_aside(std::int64_t step) const;

  /// Point `latest` or `best` to a published checkpoint. One rank only.
  void set_latest(std::int64_t step) const { write_pointer(checkpoints_path(), "latest", step); }
  void set_best(std::int64_t step) const { write_pointer(checkpoints_path(), "best", step); }
  /// What they point to; nothing if they, or it, are not there.
  std::optional<std::int64_t> latest() const {
    return follow_pointer(checkpoints_path(), "latest");
  }
  std::optional<std::int64_t> best() const { return follow_pointer(checkpoints_path(), "best"); }
  /// Removes all checkpoints but the newest `keep`, `latest`, `best` and those that somebody reads
  /// (train/run_checkpoints.hpp). One rank only.
  void remove_old_checkpoints(int keep) const;

 private:
  void remove_checkpoint(std::int64_t step) const;

  std::string path_;
};

}  // namespace siren::inline train
