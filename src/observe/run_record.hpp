// SPDX-License-Identifier: Apache-2.0
// What a run directory says about its run: config.ini, metrics.jsonl (fields: data/README.md) and
// the dataset file that config.ini names, if it can still be read.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/settings.hpp"
#include "data/dataset_file.hpp"
#include "events/events.hpp"
#include "observe/svg_chart.hpp"

namespace siren::inline observe {

struct RecordedEpoch : EpochReport {
  double at = 0.0;  // epochs done; a part of one if the run ended inside it
};

struct RecordedEvaluation : EvaluationReport {
  double at = 0.0;  // epochs done
};

/// What a search tried (stages/results.json).
struct RecordedCandidate {
  std::string name;
  std::int64_t epochs = 0;
  std::int64_t best_epoch = 0;
  double ndcg = 0.0;                   // the best of validation, @10
  double seconds = 0.0;                // of training
  std::optional<FrontierPoint> point;  // at its lambda
  bool chosen = false;
};

struct RunRecord {
  std::string name;  // the directory, as it was given; its own name for "."
  Settings settings;

  double steps_per_epoch = 0.0;
  MemoryEvent memory;               // of the last start
  std::optional<RankReport> ranks;  // likewise, if it ended by itself

  std::vector<ChartPoint> step_losses;  // with --log-steps; x: epochs done
  std::vector<RecordedEpoch> epochs;
  std::vector<RecordedEvaluation> evaluations;
  std::optional<LambdaEvent> lambda;  // of a factored model
  /// Of the search before it, those that came furthest first.
  std::vector<RecordedCandidate> candidates;
  std::optional<RecordedEvaluation> final;  // without figures if there was no test part
  int resumes = 0;
  int checkpoints = 0;
  double checkpoint_pause = 0.0;  // seconds, all together
  std::string stopped;            // why the run ended early; empty: it did not
  std::string failed;             // why it can go no further; empty: it did not fail
  bool cut_short = false;         // the last line of metrics.jsonl is not complete

  std::optional<DatasetSummary> dataset;
  std::string dataset_problem;  // why there is none

  double epochs_done() const;
  double seconds() const;  // of training
  bool evaluated_at_end() const { return final && !final->metrics.empty(); }
  /// The final one, else the last; null if there was no evaluation.
  const RecordedEvaluation* shown_evaluation() const;
};

/// InputError if the directory is not that of a run, or if its files are damaged.
RunRecord read_run(const std::string& directory);

/// The events of metrics.jsonl; `path` is for messages. A last line without its end is left out and
/// noted; any other that is not an event is an InputError.
void read_metrics(std::istream& lines, const std::string& path, RunRecord& run);

}  // namespace siren::inline observe
