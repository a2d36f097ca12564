// SPDX-License-Identifier: Apache-2.0
#include "app/progress.hpp"

#include <array>
#include <cstdio>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/host.hpp"
#include "core/log.hpp"
#include "core/terminal.hpp"
#include "core/text.hpp"

namespace siren::inline app {

namespace {

constexpr double kRedrawSeconds = 0.2;
constexpr std::int64_t kBarColumns = 20;
constexpr const char* kBestBy = "nDCG@10";
constexpr const char* kChosenBy = "valid";  // the split: no other may choose a model
constexpr const char* kClear = "\r\033[K";

/// Never fails: a terminal that was closed must not end the training.
void draw(const std::string& text) {
  std::fputs(text.c_str(), stderr);
}

}  // namespace

Progress::Progress(std::int64_t first_step, std::int64_t total_steps, const RunProgress& before,
                   bool bar)
    : draws_(bar && stderr_is_terminal() && shows_progress()),
      first_step_(first_step),
      total_steps_(total_steps),
      best_metric_(before.best_metric),
      best_epoch_(before.best_epoch) {}

Progress::~Progress() {
  if (draws_ && drawn_at_ >= 0.0) draw(kClear);
}

double Progress::seconds_left(std::int64_t step) const {
  return watch_.seconds() / static_cast<double>(step - first_step_) *
         static_cast<double>(total_steps_ - step);
}

std::string Progress::best() const {
  if (best_epoch_ == 0) return {};
  return fmt::format("  best {} {:.4f} (epoch {})", kBestBy, best_metric_, best_epoch_);
}

/// As many parts as fit on the line: a bar that wraps cannot be drawn over.
std::string Progress::bar(const StepReport& report, double seconds) const {
  const auto filled = static_cast<std::size_t>(kBarColumns * report.step / total_steps_);
  const double rate = static_cast<double>(report.step - first_step_) / seconds;
  const std::array parts = {
      fmt::format("[{}{}] {:3}%", std::string(filled, '#'), std::string(kBarColumns - filled, '.'),
                  100 * report.step / total_steps_),
      fmt::format("  {} left", human_seconds(seconds_left(report.step))),
      fmt::format("  epoch {}", report.epoch),
      fmt::format("  loss {:.4f}", report.loss),
      fmt::format("  {:.1f} steps/s", rate),
      best(),
      fmt::format("  step {}/{}", report.step, total_steps_),
      fmt::format("  {}", human_bytes(peak_resident_bytes()))};
  const std::size_t columns = terminal_columns();
  std::string line;
  for (const std::string& part : parts)
    if (line.size() + part.size() < columns) line += part;
  return line;
}

void Progress::on_step(const StepReport& report) {
  const double now = watch_.seconds();
  if (!draws_ || now - drawn_at_ < kRedrawSeconds) return;
  drawn_at_ = now;
  draw(kClear + bar(report, now));
}

void Progress::on_epoch(const EpochReport& report) {
  spdlog::info(
      "epoch {:>3}  step {:>7}/{}  loss {:.4f}  reg {:.4f}{}  {:.1f} s  {:.1f} ms/step  {} left  "
      "{}{}",
      report.epoch, report.step, total_steps_, report.loss, report.reg,
      report.polarity ? fmt::format("  polarity {:.4f}", report.polarity->loss) : std::string(),
      report.seconds, 1e3 * report.seconds / static_cast<double>(report.steps),
      human_seconds(seconds_left(report.step)), human_bytes(peak_resident_bytes()), best());
  if (report.skipped > 0 && !told_skipped_)
    spdlog::warn(
        "{} of the epoch's {} ratings train nothing: their users have rated every item "
        "that could be drawn for comparison",
        grouped(report.skipped), grouped(report.ratings));
  told_skipped_ = told_skipped_ || report.skipped > 0;
  std::vector<std::string> phases;
  for (const PhaseUse& use : report.phases)
    phases.push_back(fmt::format("{} {:.3f} s", use.name, use.max_seconds));
  spdlog::debug("epoch {:>3}  slowest rank: {}", report.epoch, fmt::join(phases, ", "));
}

void Progress::on_evaluation(std::int32_t epoch, const EvaluationReport& report) {
  const double metric = report.metric(kBestBy);
  if (report.split == kChosenBy && metric > best_metric_) {
    best_metric_ = metric;
    best_epoch_ = epoch;
  }
  const std::string sample = report.sample
                                 ? fmt::format(", {} of {} users", grouped(report.sample->users),
                                               grouped(report.sample->of))
                                 : "";
  spdlog::info("epoch {:>3}  {}: P@10 {:.4f}  R@10 {:.4f}  nDCG@10 {:.4f}  ({:.2f} s{})", epoch,
               report.split, report.metric("P@10"), report.metric("R@10"), metric, report.seconds,
               sample);
}

void Progress::on_checkpoint(const CheckpointReport& report) {
  spdlog::info("checkpoint {} ({} in {:.2f} s)", report.file, human_bytes(report.bytes),
               report.seconds);
}

void Progress::on_early_stop(std::int32_t epoch, std::int32_t evaluations) {
  spdlog::info("no better {} on the validation part for {} evaluation(s): stopped after epoch {}",
               kBestBy, evaluations, epoch);
}

void Progress::on_end(const RankReport& report) {
  for (const std::string& line : format_report(report)) spdlog::info("{}", line);
}

}  // namespace siren::inline app
