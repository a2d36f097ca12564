// SPDX-License-Identifier: Apache-2.0
// metrics.jsonl: one JSON object a line, flushed as it is written (fields: data/README.md).
#pragma once

#include <fstream>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "siren/train/observer.hpp"

namespace siren {

class MetricsLog final : public Observer {
 public:
  /// Appends to `path`. EnvironmentError if that fails, then or later. With log_steps every step is
  /// a line.
  MetricsLog(std::string path, bool log_steps);

  void on_step(const StepReport& report) override;
  void on_epoch(const EpochReport& report) override;
  void on_evaluation(std::int32_t epoch, const EvaluationReport& report) override;
  void on_checkpoint(const CheckpointReport& report) override;
  void on_end(const RankReport& report) override;
  /// Any other event: {"event":..., ...}.
  void write(const nlohmann::ordered_json& event);

 private:
  std::string path_;
  bool log_steps_;
  std::ofstream file_;
};

}  // namespace siren
