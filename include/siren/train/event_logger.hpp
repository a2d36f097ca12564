// SPDX-License-Identifier: Apache-2.0
// Writes what happens during a run to its metrics.jsonl.
#pragma once

#include <string>
#include <utility>

#include "siren/events/events.hpp"
#include "siren/train/observer.hpp"

namespace siren::inline train {

class EventLogger final : public Observer {
 public:
  /// Fails like EventLog. With log_steps every step is a line.
  EventLogger(std::string path, bool log_steps) : log_(std::move(path)), log_steps_(log_steps) {}

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
