// SPDX-License-Identifier: Apache-2.0
// What happens during a run, for those who watch: progress on the terminal, metrics.jsonl, tests.
// Events are the same on every rank; watchers of the outside world are attached on rank 0 only.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "events/events.hpp"
#include "train/training.hpp"

namespace siren::inline train {

class Observer {
 public:
  virtual ~Observer() = default;
  virtual void on_step(const StepReport&) {}
  virtual void on_epoch(const EpochReport&) {}
  virtual void on_evaluation(std::int32_t /*epoch*/, const EvaluationReport&) {}
  virtual void on_checkpoint(const CheckpointReport&) {}
  /// Training ends before its last step, behind this epoch: so many evaluations in a row were no
  /// better than the best.
  virtual void on_early_stop(std::int32_t /*epoch*/, std::int32_t /*evaluations*/) {}
  /// Once, when the last step is done and saved; not if there was none.
  virtual void on_end(const RankReport&) {}
};

// Writes what happens during a run to its metrics.jsonl.

class EventLogger final : public Observer {
 public:
  /// Fails like EventLog. With log_steps every step is a line.
  EventLogger(std::string path, bool log_steps, std::string stage = {})
      : log_(std::move(path), std::move(stage)), log_steps_(log_steps) {}

  void write(const Event& event) { log_.write(event); }

  void on_step(const StepReport& report) override {
    if (log_steps_)
      write(StepEvent{report.step, report.epoch, report.ratings, report.loss, report.reg});
  }
  void on_epoch(const EpochReport& report) override { write(report); }
  void on_evaluation(std::int32_t epoch, const EvaluationReport& report) override {
    write(EvalEvent{epoch, report});
  }
  void on_checkpoint(const CheckpointReport& report) override { write(report); }
  void on_end(const RankReport& report) override { write(report); }

 private:
  EventLog log_;
  bool log_steps_;
};

}  // namespace siren::inline train
