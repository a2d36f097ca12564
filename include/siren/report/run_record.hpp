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

#include "siren/core/settings.hpp"
#include "siren/io/dataset_file.hpp"
#include "siren/report/chart_scale.hpp"

namespace siren {

struct NamedValue {
  std::string name;
  double value = 0.0;  // NaN: nobody to judge
};

/// Of one phase in one epoch, over ranks.
struct PhaseRecord {
  std::string name;
  double min = 0.0;  // seconds
  double mean = 0.0;
  double max = 0.0;
  double bytes = 0.0;  // sent by all ranks
};

struct EpochRecord {
  double at = 0.0;  // epochs done; a part of one if the run ended inside it
  double loss = 0.0;
  double reg = 0.0;
  double seconds = 0.0;
  double ratings = 0.0;
  std::vector<PhaseRecord> phases;
};

struct JudgedGroup {
  std::string name;
  double users = 0.0;
  std::vector<NamedValue> metrics;
};

struct RecordedEvaluation {
  double at = 0.0;  // epochs done
  std::string split;
  double users = 0.0;
  double seconds = 0.0;
  std::vector<NamedValue> metrics;
  std::vector<JudgedGroup> groups;
  std::vector<NamedValue> exposure;

  /// NaN if it is not there.
  double metric(std::string_view name) const;
};

/// A quantity of each rank.
struct ByRank {
  std::string name;
  std::vector<double> values;  // [ranks]
};

/// What the model learnt from.
struct TrainFacts {
  std::int64_t users = 0;
  std::int64_t items = 0;
  std::int64_t liked = 0;
  std::int64_t disliked = 0;
  std::int64_t neither = 0;
  double offset = 0.0;
};

struct RunRecord {
  std::string name;  // the directory, as it was given
  Settings settings;

  int ranks = 0;  // of the last start; 0: not known
  double steps_per_epoch = 0.0;
  std::vector<NamedValue> memory;  // bytes of the largest rank
  double rows_sent_per_layer = 0.0;
  std::optional<TrainFacts> train;
  std::string dataset_hash;  // of what it learnt from; empty: not known
  std::vector<ByRank> shares;
  std::vector<ByRank> seconds_by_phase;  // of the last start, if it ended by itself
  std::vector<double> bytes_sent;        // [ranks], likewise
  std::string slowest;                   // a sentence on the rank with most work, likewise

  std::vector<ChartPoint> step_losses;  // with --log-steps; x: epochs done
  std::vector<EpochRecord> epochs;
  std::vector<RecordedEvaluation> evaluations;
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
  bool judged_at_end() const { return final && !final->metrics.empty(); }
  /// The final one, else the last; null if nobody judged.
  const RecordedEvaluation* shown_evaluation() const;
};

/// InputError if the directory is not that of a run, or if its files are damaged.
RunRecord read_run(const std::string& directory);

/// The events of metrics.jsonl; `path` is for messages. A last line without its end is left out and
/// noted; any other that is not an event is an InputError.
void read_metrics(std::istream& lines, const std::string& path, RunRecord& run);

}  // namespace siren
