// SPDX-License-Identifier: Apache-2.0
// What a person sees while training runs, on stderr: a bar on a terminal, a line per epoch
// elsewhere.
#pragma once

#include <cstdint>
#include <string>

#include "core/timer.hpp"
#include "train/observer.hpp"
#include "train/run_progress.hpp"

namespace siren::inline app {

class Progress final : public Observer {
 public:
  /// `total_steps` is where the run will end, `first_step` where this start of it began,
  /// `before` what was known then. Without `bar` there is none, terminal or not.
  Progress(std::int64_t first_step, std::int64_t total_steps, const RunProgress& before, bool bar);
  ~Progress() override;
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void on_step(const StepReport& report) override;
  void on_epoch(const EpochReport& report) override;
  void on_evaluation(std::int32_t epoch, const EvaluationReport& report) override;
  void on_checkpoint(const CheckpointReport& report) override;
  void on_early_stop(std::int32_t epoch, std::int32_t evaluations) override;
  void on_end(const RankReport& report) override;

 private:
  std::string bar(const StepReport& report, double seconds) const;
  std::string best() const;
  double seconds_left(std::int64_t step) const;

  bool draws_;
  std::int64_t first_step_;
  std::int64_t total_steps_;
  double best_metric_;
  std::int32_t best_epoch_;
  Stopwatch watch_;
  double drawn_at_ = -1.0;
  bool told_skipped_ = false;
};

}  // namespace siren::inline app
