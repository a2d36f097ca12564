// SPDX-License-Identifier: Apache-2.0
#include "siren/app/progress.hpp"

#include <string>
#include <unistd.h>

#include <fmt/format.h>

#include "siren/core/log.hpp"
#include "siren/core/text.hpp"

namespace siren {

namespace {

constexpr double kRedrawSeconds = 0.2;
constexpr std::int64_t kBarColumns = 24;

}  // namespace

Progress::Progress(std::int64_t first_step, std::int64_t total_steps, bool bar)
    : draws_(bar && isatty(STDERR_FILENO) != 0),
      first_step_(first_step),
      total_steps_(total_steps) {}

void Progress::on_step(const StepReport& report) {
  const double now = watch_.seconds();
  if (!draws_ || now - drawn_at_ < kRedrawSeconds) return;
  drawn_at_ = now;
  bar_shown_ = true;
  const auto done = static_cast<double>(report.step - first_step_);
  const double left = now / done * static_cast<double>(total_steps_ - report.step);
  const auto filled = static_cast<std::size_t>(kBarColumns * report.step / total_steps_);
  fmt::print(stderr, "\r\033[K[{}{}] step {}/{}  epoch {}  loss {:.4f}  {:.1f} steps/s  {} left",
             std::string(filled, '#'), std::string(kBarColumns - filled, '.'), report.step,
             total_steps_, report.epoch, report.loss, done / now, human_seconds(left));
}

void Progress::clear_bar() {
  if (bar_shown_) fmt::print(stderr, "\r\033[K");
  bar_shown_ = false;
}

void Progress::on_epoch(const EpochReport& report) {
  clear_bar();
  const double left = watch_.seconds() / static_cast<double>(report.step - first_step_) *
                      static_cast<double>(total_steps_ - report.step);
  spdlog::info(
      "epoch {:>3}  step {:>7}/{}  loss {:.4f}  reg {:.4f}  {:.1f} s  {:.1f} ms/step  {} left",
      report.epoch, report.step, total_steps_, report.loss, report.reg, report.seconds,
      1e3 * report.seconds / static_cast<double>(report.steps), human_seconds(left));
}

void Progress::on_evaluation(std::int32_t epoch, const EvaluationReport& report) {
  clear_bar();
  spdlog::info("epoch {:>3}  {}: P@10 {:.4f}  R@10 {:.4f}  nDCG@10 {:.4f}  ({:.2f} s)", epoch,
               report.split, report.metric("P@10"), report.metric("R@10"), report.metric("nDCG@10"),
               report.seconds);
}

void Progress::on_checkpoint(const CheckpointReport& report) {
  clear_bar();
  spdlog::info("checkpoint {} ({} in {:.2f} s)", report.file, human_bytes(report.bytes),
               report.seconds);
}

void Progress::on_end(const RankReport& report) {
  clear_bar();
  for (const std::string& line : format_report(report)) spdlog::info("{}", line);
}

}  // namespace siren
