// SPDX-License-Identifier: Apache-2.0
// What a person sees while training runs, on stderr: a bar on a terminal, a line per epoch
// elsewhere.
#pragma once

#include <cstdint>

#include "siren/core/timer.hpp"
#include "siren/train/observer.hpp"

namespace siren {

class Progress final : public Observer {
 public:
  /// `total_steps` is where the run will end, `first_step` where it began. Without `bar` there is
  /// none, terminal or not.
  Progress(std::int64_t first_step, std::int64_t total_steps, bool bar);

  void on_step(const StepReport& report) override;
  void on_epoch(const EpochReport& report) override;
  void on_evaluation(std::int32_t epoch, const EvaluationReport& report) override;
  void on_checkpoint(const CheckpointReport& report) override;
  void on_end(const RankReport& report) override;

 private:
  void clear_bar();

  bool draws_;
  std::int64_t first_step_;
  std::int64_t total_steps_;
  Stopwatch watch_;
  double drawn_at_ = -1.0;
  bool bar_shown_ = false;
};

}  // namespace siren
