// SPDX-License-Identifier: Apache-2.0
#include "observe/bench.hpp"

#include <algorithm>
#include <numeric>
#include <span>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/host.hpp"
#include "core/text.hpp"
#include "core/timer.hpp"

namespace siren::inline observe {

namespace {

double& of(std::array<double, kPhases>& by_phase, Phase phase) {
  return by_phase[static_cast<std::size_t>(phase)];
}

MachineLimits slowest(const Communicator& comm, const MachineLimits& mine) {
  return {comm.all_reduce(mine.gather_seconds, Reduction::kMax),
          comm.all_reduce(mine.flops_per_second, Reduction::kMin),
          comm.all_reduce(mine.bytes_per_second, Reduction::kMin),
          comm.all_reduce(mine.exps_per_second, Reduction::kMin)};
}

/// To the nearest whole number.
std::int64_t mean(std::int64_t sum, std::int64_t count) {
  return (sum + count / 2) / count;
}

void divide(std::vector<PhaseUse>& phases, std::int64_t steps) {
  const auto count = static_cast<double>(steps);
  for (PhaseUse& use : phases) {
    for (double* seconds : {&use.min_seconds, &use.mean_seconds, &use.max_seconds})
      *seconds /= count;
    use.sent.all = mean(use.sent.all, steps);
    use.sent.between_nodes = mean(use.sent.between_nodes, steps);
  }
}

void take_step_times(std::vector<double> seconds, BenchReport& report) {
  std::sort(seconds.begin(), seconds.end());
  const std::size_t half = seconds.size() / 2;
  report.steps = std::ssize(seconds);
  report.min_seconds = seconds.front();
  report.max_seconds = seconds.back();
  report.median_seconds =
      seconds.size() % 2 == 1 ? seconds[half] : (seconds[half - 1] + seconds[half]) / 2;
}

}  // namespace

std::array<double, kPhases> least_seconds(const WorkDone& work, const MachineLimits& limits) {
  const auto visits = [&](std::int64_t rows) {
    return static_cast<double>(rows) * limits.gather_seconds;
  };
  const auto streams = [&](std::int64_t bytes) {
    return static_cast<double>(bytes) / limits.bytes_per_second;
  };
  std::array<double, kPhases> least{};
  of(least, Phase::kProduct) = visits(work.edge_visits) + streams(work.layer_bytes);
  of(least, Phase::kDense) = static_cast<double>(work.flops) / limits.flops_per_second;
  of(least, Phase::kLoss) =
      visits(work.batch_visits) + static_cast<double>(work.score_flops) / limits.flops_per_second;
  if (work.exponentials > 0)
    of(least, Phase::kLoss) += static_cast<double>(work.exponentials) / limits.exps_per_second;
  of(least, Phase::kAdam) = streams(work.adam_bytes);
  return least;
}

double BenchReport::seconds_per_visit() const {
  const double all = phases[static_cast<std::size_t>(Phase::kProduct)].mean_seconds;
  return work.edge_visits == 0 ? 0.0 : all * ranks / static_cast<double>(work.edge_visits);
}

double BenchReport::gather_ratio() const {
  return work.edge_visits == 0 ? 0.0 : seconds_per_visit() / limits.gather_seconds;
}

BenchReport bench(const Communicator& comm, Training& training, const BenchOptions& options) {
  for (std::int64_t step = 0; step < options.warm_up; ++step) training.step();
  training.clock().reset();
  const WorkDone before = training.work_done();
  std::vector<double> seconds;
  for (std::int64_t step = 0; step < options.steps; ++step) {
    const Stopwatch watch;
    training.step();
    seconds.push_back(watch.seconds());
  }
  BenchReport report;
  report.ranks = comm.size();
  take_step_times(seconds, report);
  report.phases = phase_use(comm, training.clock());
  divide(report.phases, options.steps);
  WorkDone work = training.work_done();
  for (const auto part : kWorkParts) {
    const std::int64_t done = work.*part - before.*part;
    work.*part = mean(done, options.steps);
    report.work.*part = mean(comm.all_reduce(done, Reduction::kSum), options.steps);
  }

  const MachineLimits limits = training.measure_limits();
  report.limits = slowest(comm, limits);
  report.least = least_seconds(work, limits);
  report.least_seconds = comm.all_reduce(
      std::accumulate(report.least.begin(), report.least.end(), 0.0), Reduction::kMax);
  comm.all_reduce(std::span<double>(report.least), Reduction::kSum);
  for (double& least : report.least) least /= comm.size();
  report.peak_bytes = comm.all_reduce(peak_resident_bytes(), Reduction::kMax);
  return report;
}

nlohmann::ordered_json to_json(const BenchReport& report) {
  using Json = nlohmann::ordered_json;
  Json phases = Json::object();
  for (std::size_t p = 0; p < kPhases; ++p) {
    const PhaseUse& use = report.phases[p];
    phases[use.name] = {{"min", use.min_seconds}, {"mean", use.mean_seconds},
                        {"max", use.max_seconds}, {"limit", report.least[p]},
                        {"bytes", use.sent.all},  {"bytes_between_nodes", use.sent.between_nodes}};
  }
  return {{"steps", report.steps},
          {"seconds",
           {{"median", report.median_seconds},
            {"min", report.min_seconds},
            {"max", report.max_seconds},
            {"limit", report.least_seconds}}},
          {"phases", phases},
          {"work",
           {{"edge_visits", report.work.edge_visits},
            {"batch_visits", report.work.batch_visits},
            {"rows", report.work.needed_rows},
            {"flops", report.work.flops},
            {"score_flops", report.work.score_flops},
            {"exponentials", report.work.exponentials},
            {"layer_bytes", report.work.layer_bytes},
            {"adam_bytes", report.work.adam_bytes}}},
          {"limits",
           {{"gather_ns", report.limits.gather_seconds * 1e9},
            {"gflops", report.limits.flops_per_second * 1e-9},
            {"stream_gb_per_s", report.limits.bytes_per_second * 1e-9},
            {"gexp_per_s", report.limits.exps_per_second * 1e-9}}},
          {"ns_per_edge_visit", report.seconds_per_visit() * 1e9},
          {"of_gather_limit", report.gather_ratio()},
          {"of_sum_of_limits", report.step_ratio()},
          {"peak_bytes_per_rank", report.peak_bytes}};
}

std::string format_report(const BenchReport& report) {
  std::string text = fmt::format("step {:.2f} ms (median of {}; {:.2f} to {:.2f})\n\n",
                                 report.median_seconds * 1e3, report.steps,
                                 report.min_seconds * 1e3, report.max_seconds * 1e3);
  text += fmt::format("{:<10}{:>9}{:>9}{:>9}{:>8}{:>11}{:>11}{:>9}\n", "phase", "min ms", "mean",
                      "max", "share", "sent", "limit ms", "of it");
  for (std::size_t p = 0; p < kPhases; ++p) {
    const PhaseUse& use = report.phases[p];
    if (use.max_seconds == 0.0 && use.sent.all == 0) continue;
    text +=
        fmt::format("{:<10}{:>9.3f}{:>9.3f}{:>9.3f}{:>7.1f}%{:>11}", use.name,
                    use.min_seconds * 1e3, use.mean_seconds * 1e3, use.max_seconds * 1e3,
                    100.0 * use.mean_seconds / report.median_seconds, human_bytes(use.sent.all));
    if (report.least[p] > 0.0)
      text += fmt::format("{:>11.3f}{:>9.2f}", report.least[p] * 1e3,
                          use.mean_seconds / report.least[p]);
    text += '\n';
  }
  text += fmt::format(
      "\nrows       {} of the batch, {} edge visits, {} per step\n",
      grouped(report.work.needed_rows), grouped(report.work.edge_visits),
      report.work.score_flops > 0
          ? fmt::format("{:.2f} GFLOP of scores and gradients",
                        1e-9 * static_cast<double>(report.work.score_flops))
          : fmt::format("{} visits of loss and gradients", grouped(report.work.batch_visits)));
  text += fmt::format(
      "machine    gather {:.2f} ns a row, {:.0f} GFLOP/s, {:.2f} Gexp/s, stream {:.1f} GB/s "
      "(a rank, all at once)\n",
      report.limits.gather_seconds * 1e9, report.limits.flops_per_second * 1e-9,
      report.limits.exps_per_second * 1e-9, report.limits.bytes_per_second * 1e-9);
  text += fmt::format("memory     {} resident at most, of the largest rank\n",
                      human_bytes(report.peak_bytes));
  text += fmt::format("product    {:.2f} ns per edge visit: {:.2f} of the gather limit\n",
                      report.seconds_per_visit() * 1e9, report.gather_ratio());
  text += fmt::format("step       {:.2f} of the sum of its limits\n", report.step_ratio());
  return text;
}

}  // namespace siren::inline observe
