// SPDX-License-Identifier: Apache-2.0
#include "siren/train/metrics_log.hpp"

#include <cerrno>
#include <cstring>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "siren/core/error.hpp"
#include "siren/io/json_lines.hpp"

namespace siren {

using Json = nlohmann::ordered_json;

MetricsLog::MetricsLog(std::string path, bool log_steps)
    : path_(std::move(path)), log_steps_(log_steps), file_(path_, std::ios::app) {
  if (!file_)
    throw EnvironmentError(fmt::format("cannot open {}: {}", path_, std::strerror(errno)));
}

void MetricsLog::write(const Json& event) {
  file_ << json_line(event) << '\n' << std::flush;
  if (!file_)
    throw EnvironmentError(fmt::format("cannot write {}: {}", path_, std::strerror(errno)));
}

void MetricsLog::on_step(const StepReport& report) {
  if (!log_steps_) return;
  write({{"event", "step"},
         {"step", report.step},
         {"epoch", report.epoch},
         {"ratings", report.ratings},
         {"loss", report.loss},
         {"reg", report.reg}});
}

void MetricsLog::on_epoch(const EpochReport& report) {
  Json phases;
  for (const PhaseUse& use : report.phases)
    phases[use.name] = {{"min", use.min_seconds},
                        {"mean", use.mean_seconds},
                        {"max", use.max_seconds},
                        {"bytes", use.sent.all},
                        {"bytes_between_nodes", use.sent.between_nodes}};
  write({{"event", "epoch"},
         {"epoch", report.epoch},
         {"step", report.step},
         {"loss", report.loss},
         {"reg", report.reg},
         {"seconds", report.seconds},
         {"ratings", report.ratings},
         {"without_term", report.without_term},
         {"phases", phases}});
}

void MetricsLog::on_evaluation(std::int32_t epoch, const EvaluationReport& report) {
  Json event = {{"event", "eval"}, {"epoch", epoch}};
  event.update(to_json(report));
  write(event);
}

void MetricsLog::on_checkpoint(const CheckpointReport& report) {
  write({{"event", "checkpoint"},
         {"step", report.step},
         {"file", report.file},
         {"seconds", report.seconds},
         {"bytes", report.bytes},
         {"pause", report.pause}});
}

void MetricsLog::on_end(const RankReport& report) {
  Json event = {{"event", "ranks"}};
  event.update(to_json(report));
  write(event);
}

}  // namespace siren
