// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "app/check_start.hpp"
#include "app/commands.hpp"
#include "app/common_options.hpp"
#include "app/cv_grid.hpp"
#include "app/cv_options.hpp"
#include "app/cv_results.hpp"
#include "app/run_groups.hpp"
#include "core/heartbeat.hpp"
#include "core/log.hpp"
#include "core/terminal.hpp"
#include "core/text.hpp"
#include "data/dataset_file.hpp"
#include "events/events.hpp"
#include "events/json.hpp"
#include "io/atomic_file.hpp"
#include "io/output_guard.hpp"
#include "io/plain_file.hpp"
#include "train/run_directory.hpp"
#include "train/run_lock.hpp"

namespace siren::inline app {

namespace {

using Json = nlohmann::ordered_json;

/// Of a run that has come to its end: the event of its final evaluation. A line cut short by a crash
/// is none.
std::optional<FinalEvent> final_event_of(const std::string& directory) {
  std::optional<FinalEvent> last;
  RunDirectory(directory).each_event([&](const Event& event) {
    const auto* final = std::get_if<FinalEvent>(&event);
    if (final != nullptr && final->is_evaluated()) last = *final;
  });
  return last;
}

enum State : std::int32_t { kNew, kBegun, kFinished };

/// One start of `siren cv`. All members are collective over the job unless they say otherwise.
class CvJob {
 public:
  CvJob(const Communicator& job, const CvOptions& options)
      : job_(job),
        options_(options),
        groups_(job, options.groups(), options.run().train.time_limit) {}

  ExitCode run();

 private:
  void open_output();
  void look_around();
  void train();
  ExitCode conclude();
  void write_results() const;

  const Communicator& job_;
  const CvOptions& options_;
  std::unique_ptr<RunLock> lock_;  // on rank 0 of the job
  RunGroups groups_;
  std::vector<CvRun> runs_;
  std::vector<std::int32_t> states_;               // [runs] when this start began
  std::vector<std::optional<FinalEvent>> finals_;  // [runs] complete on rank 0 of the job
  std::vector<std::string> failures_;              // on rank 0 of the job
  std::int32_t code_ = static_cast<std::int32_t>(ExitCode::kDone);  // the first failure's
};

ExitCode CvJob::run() {
  open_output();
  look_around();
  train();
  return conclude();
}

void CvJob::open_output() {
  std::int64_t folds = 0;
  agree_on_input(job_, [&] {
    if (!job_.is_root()) return;
    const DatasetFile data(options_.run().data.data);
    const SplitScheme& split = data.summary().split;
    folds = split.folds;
    for (const std::int64_t fold : options_.grid(folds).folds)
      if (fold > folds || !split.has_fold(static_cast<std::int32_t>(fold)))
        throw InputError(
            fmt::format("--folds: no fold {} in {}, which has {} fold(s), numbered "
                        "from 1",
                        fold, data.path(), folds));
    if (data.summary().statistics.test_of(split, 1).total() == 0)
      throw InputError(fmt::format(
          "{} has no test part (prepare --split none), so cv has nothing to compare by; prepare it "
          "with another split, or train the final model with siren train",
          data.path()));
    options_.check_same_as_before(data.summary().content_hash);  // before anything is made
    constexpr std::array kFiles = {OutputName{"cv.ini", FileKind::kConfig},
                                   OutputName{"results.csv", FileKind::kResultsCsv},
                                   OutputName{"results.json", FileKind::kResultsJson}};
    guard_output_folder(options_.output(), kFiles);
    std::error_code error;
    std::filesystem::create_directories(options_.output() + "/runs", error);
    if (error)
      throw InputError(fmt::format("--output {}: cannot make the folder ({})", options_.output(),
                                   error.message()));
    lock_ = std::make_unique<RunLock>(options_.output(), "--output " + options_.output(),
                                      RunLock::Rules{options_.run().train.hang_timeout});
    if (!lock_->taken_over().empty()) say(spdlog::level::warn, lock_->taken_over());
    options_.check_same_as_before(data.summary().content_hash);
    write_text_file(options_.config_path(), options_.folder_text(data.summary().content_hash));
  });
  job_.broadcast(std::span(&folds, 1));
  runs_ = options_.grid(folds).runs();
  states_.assign(runs_.size(), kNew);
  finals_.assign(runs_.size(), std::nullopt);
}

/// Rank 0 says what there is, so that all ranks know the same.
void CvJob::look_around() {
  agree_on_input(job_, [&] {
    if (!job_.is_root()) return;
    for (std::size_t i = 0; i < runs_.size(); ++i) {
      finals_[i] = final_event_of(runs_[i].directory);
      std::error_code error;
      const bool begun =
          std::filesystem::exists(RunDirectory(runs_[i].directory).config_path(), error);
      if (begun) states_[i] = finals_[i] ? kFinished : kBegun;
    }
  });
  job_.broadcast(states_);
  if (!job_.is_root()) return;
  say(spdlog::level::info, fmt::format("{} runs, {} at a time on {} rank(s) each", runs_.size(),
                                       options_.groups(), groups_.ranks_per_group()));
  const auto count = [&](State s) { return std::count(states_.begin(), states_.end(), s); };
  if (count(kFinished) + count(kBegun) > 0)
    say(spdlog::level::info,
        fmt::format("{} of them are finished, {} are continued", count(kFinished), count(kBegun)));
}

/// The unfinished ones.
void CvJob::train() {
  std::vector<RunGroups::Task> tasks;
  std::vector<std::size_t> run_of;
  for (std::size_t i = 0; i < runs_.size(); ++i) {
    if (states_[i] == kFinished) continue;
    std::vector<std::string> args = runs_[i].options;
    if (states_[i] == kBegun) {
      args = options_.options_of_resumed();
      args.insert(args.end(), {"--run=" + runs_[i].directory, "--resume"});
    }
    tasks.push_back({runs_[i].name, std::move(args)});
    run_of.push_back(i);
  }
  const std::vector<RunGroups::Outcome> outcomes =
      groups_.train(tasks, true, lock_.get(),
                    [](std::size_t, const FinalEvent& event) { return headline(event.report); });
  for (std::size_t t = 0; t < outcomes.size(); ++t) {
    const RunGroups::Outcome& outcome = outcomes[t];
    if (outcome.final) finals_[run_of[t]] = outcome.final;
    if (outcome.code == ExitCode::kDone) continue;
    if (failures_.empty()) code_ = static_cast<std::int32_t>(outcome.code);
    failures_.push_back(tasks[t].name);
  }
  job_.broadcast(std::span(&code_, 1));
}

ExitCode CvJob::conclude() {
  const auto done = std::count_if(finals_.begin(), finals_.end(),
                                  [](const auto& event) { return event.has_value(); });
  if (groups_.interrupted()) {
    if (job_.is_root())
      say(spdlog::level::warn,
          fmt::format("stopped with {} of {} runs finished; the same command continues them", done,
                      runs_.size()));
    return ExitCode::kInterrupted;
  }
  if (code_ != static_cast<std::int32_t>(ExitCode::kDone)) {
    if (job_.is_root())
      say(spdlog::level::err,
          fmt::format("{} of {} runs failed ({}), so there are no results; the same command tries "
                      "them again",
                      failures_.size(), runs_.size(), fmt::join(failures_, ", ")));
    return static_cast<ExitCode>(code_);
  }
  agree_on_input(job_, [&] {
    if (job_.is_root()) write_results();
  });
  return ExitCode::kDone;
}

void CvJob::write_results() const {
  lock_->check();
  std::vector<FinalEvent> finals;
  for (const auto& final : finals_) finals.push_back(final.value());
  const CvResults results(runs_, std::move(finals));
  write_text_file(options_.output() + "/results.csv", results.csv());
  write_text_file(options_.output() + "/results.json", json_text(results.json(), 1));
  print_lines(results.table());
}

}  // namespace

int run_cv(const Communicator& comm, CommandArgs args) {
  CvOptions options;
  if (!parse_together(comm, [&] { return options.parse(args); }))
    return static_cast<int>(ExitCode::kDone);
  check_same_options(comm, options.config_text());
  check_groups(comm, options.groups());
  heartbeat().set_timeout(options.run().train.hang_timeout);
  return static_cast<int>(CvJob(comm, options).run());
}

}  // namespace siren::inline app
