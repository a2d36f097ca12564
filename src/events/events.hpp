// SPDX-License-Identifier: Apache-2.0
// The schema of metrics.jsonl: what a run tells, one event a line, flushed as it is written (the
// fields: data/README.md). Each event is a struct with its JSON both ways. Fields may be added, none
// changes its meaning: reading passes over kinds and fields that it does not know, and a field that
// version 0.1.0 did not write has a default.
//
//   EventLog log("runs/a/metrics.jsonl");
//   log.write(ResumeEvent{.step = 7, .ranks = 2});
//   each_event(stream, "metrics.jsonl", [](const Event& event) { ... });
#pragma once

#include <cstdint>
#include <fstream>
#include <functional>
#include <iosfwd>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "events/ranks.hpp"
#include "events/start.hpp"
#include "siren/evaluation.hpp"

namespace siren::inline events {

/// Bytes a rank holds, by what they scale with.
struct MemoryUse {
  std::string kind;
  std::int64_t bytes = 0;

  friend bool operator==(const MemoryUse&, const MemoryUse&) = default;
};

/// What the model learns from.
struct TrainFacts {
  std::int64_t users = 0;
  std::int64_t items = 0;
  std::int64_t liked = 0;
  std::int64_t disliked = 0;
  std::int64_t neither = 0;
  double offset = 0.0;

  friend bool operator==(const TrainFacts&, const TrainFacts&) = default;
};

/// What one rank holds.
struct RankShare {
  std::int64_t users = 0;
  std::int64_t items = 0;
  std::int64_t ratings = 0;    // in train, of any sign
  std::int64_t edges = 0;      // of the graph, each on one rank
  std::int64_t halo_rows = 0;  // copies of rows that other ranks own

  friend bool operator==(const RankShare&, const RankShare&) = default;
};

struct MemoryEvent {
  std::vector<MemoryUse> bytes_per_rank;  // of the largest rank
  std::int64_t rows_sent_per_layer = 0;   // by all ranks
  std::int64_t steps_per_epoch = 0;       // 0: not known
  std::optional<TrainFacts> train;
  std::string dataset_hash;  // of what it learns from; empty: not known
  std::int64_t ranks = 0;
  std::vector<RankShare> by_rank;  // [ranks], or nothing

  std::int64_t bytes() const;  // all kinds together
  friend bool operator==(const MemoryEvent&, const MemoryEvent&) = default;
};

struct StepEvent {
  std::int64_t step = 0;
  std::int32_t epoch = 0;
  std::int64_t ratings = 0;  // in the global batch
  double loss = 0.0;         // batch sum / ratings, without reg
  double reg = 0.0;          // likewise

  friend bool operator==(const StepEvent&, const StepEvent&) = default;
};

/// Means over the ratings that the polarity branch has seen in an epoch.
struct PolarityReport {
  double loss = 0.0;
  double reg = 0.0;

  friend bool operator==(const PolarityReport&, const PolarityReport&) = default;
};

struct EpochReport {
  std::int32_t epoch = 0;
  std::int64_t step = 0;     // steps done
  std::int64_t steps = 0;    // of this epoch in this run
  std::int64_t ratings = 0;  // visited in those
  std::int64_t skipped = 0;  // of those: their users have rated all that can be drawn
  double loss = 0.0;         // per rating, without reg
  double reg = 0.0;
  double seconds = 0.0;
  std::vector<PhaseUse> phases;                 // since the last epoch event
  std::optional<PolarityReport> polarity = {};  // of models with that branch

  friend bool operator==(const EpochReport&, const EpochReport&) = default;
};

struct EvalEvent {
  std::int32_t epoch = 0;
  EvaluationReport report;

  friend bool operator==(const EvalEvent&, const EvalEvent&) = default;
};

struct CheckpointReport {
  std::int64_t step = 0;
  std::string file;
  double seconds = 0.0;  // until the file was published
  std::int64_t bytes = 0;
  double pause = 0.0;  // seconds that training stood still

  friend bool operator==(const CheckpointReport&, const CheckpointReport&) = default;
};

struct ResumeEvent {
  std::int64_t step = 0;
  std::int64_t ranks = 0;

  friend bool operator==(const ResumeEvent&, const ResumeEvent&) = default;
};

/// The run ended early and may go on.
struct InterruptedEvent {
  std::int64_t step = 0;
  std::string reason;

  friend bool operator==(const InterruptedEvent&, const InterruptedEvent&) = default;
};

/// The run can go no further.
struct FailedEvent {
  std::int64_t step = 0;
  std::string reason;

  friend bool operator==(const FailedEvent&, const FailedEvent&) = default;
};

/// The evaluation of the finished model, on the test part; without one the split is "none" and there
/// are no metrics.
struct FinalEvent {
  std::int64_t step = 0;  // of the model
  EvaluationReport report;

  bool is_evaluated() const { return !report.metrics.empty(); }
  friend bool operator==(const FinalEvent&, const FinalEvent&) = default;
};

/// What a lambda of a factored model does on held-out ratings.
struct FrontierPoint {
  double lambda = 0.0;
  double ndcg = 0.0;     // nDCG@10
  double dislike = 0.0;  // Dislike@10
  double auc = 0.0;      // NaN, like the one before, if no user has it

  friend bool operator==(const FrontierPoint&, const FrontierPoint&) = default;
};

/// The lambda that was chosen for a model, and what it was chosen from.
struct LambdaEvent {
  std::int64_t step = 0;  // of the model
  std::string rule;       // as --choose says it
  std::string split;
  double lambda = 0.0;
  std::vector<FrontierPoint> frontier;  // ascending
  std::int64_t sampled_users = 0;       // by whom it was chosen (--eval-users); 0: all

  friend bool operator==(const LambdaEvent&, const LambdaEvent&) = default;
};

/// A table of several lines, the chosen one marked.
std::string format_frontier(const LambdaEvent& choice);

using Event =
    std::variant<StartEvent, MemoryEvent, StepEvent, EpochReport, EvalEvent, CheckpointReport,
                 ResumeEvent, InterruptedEvent, FailedEvent, RankReport, FinalEvent, LambdaEvent>;

/// {"event":"resume","step":7,"ranks":2}
nlohmann::ordered_json to_json(const Event& event);
/// Nothing if it is of a kind that this version does not know. InputError, or an exception of the
/// JSON library, if its fields are not those of its kind.
std::optional<Event> event_from_json(const nlohmann::ordered_json& json);

/// `path` is for messages. A last line without its end is left out: then the result is false. Any
/// other line that is no event is an InputError that names it.
bool each_event(std::istream& lines, const std::string& path,
                const std::function<void(const Event&)>& visit);

/// Calls the function for the event's type out of several.
template <class... Functions>
struct Match : Functions... {
  using Functions::operator()...;
};
template <class... Functions>
Match(Functions...) -> Match<Functions...>;

class EventLog {
 public:
  /// Appends to `path`. EnvironmentError if that fails, then or later. Each event says its stage,
  /// if that is not empty.
  explicit EventLog(std::string path, std::string stage = {});
  void write(const Event& event);

 private:
  std::string path_;
  std::string stage_;
  std::ofstream file_;
};

}  // namespace siren::inline events
