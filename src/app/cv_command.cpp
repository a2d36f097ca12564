// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cstdio>
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
#include "app/train_command.hpp"
#include "comm/roll_call.hpp"
#include "comm/stop_notice.hpp"
#include "core/heartbeat.hpp"
#include "core/log.hpp"
#include "core/stop_signal.hpp"
#include "core/terminal.hpp"
#include "core/text.hpp"
#include "core/timer.hpp"
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

/// Every group speaks, not only the one of rank 0.
void say(spdlog::level::level_enum level, const std::string& line) {
  if (shows(level)) fmt::print(stderr, "siren: {}\n", printable(line));
}

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

/// Hears, in step after step of a run, whether another group was asked to stop.
class Listener final : public Observer {
 public:
  /// `lock` of the folder, null where this process has none.
  Listener(StopNotice& notice, const RunLock* lock) : notice_(notice), lock_(lock) {}
  void on_step(const StepReport&) override {
    if (lock_ != nullptr) lock_->check_found();
    notice_.listen();
  }

 private:
  StopNotice& notice_;
  const RunLock* lock_;
};

enum State : std::int32_t { kNew, kBegun, kFinished };

/// One start of `siren cv`. All members are collective over the job unless they say otherwise.
class CvJob {
 public:
  CvJob(const Communicator& job, const CvOptions& options)
      : job_(job),
        options_(options),
        group_(job.split(group_of(job.rank()), job.rank())),
        notice_(job),
        node_(node_memory(job)),
        threads_(thread_share(job)),
        deadline_(job_deadline(options.run().train.time_limit)) {}

  ExitCode run();

 private:
  int ranks_per_group() const { return job_.size() / options_.groups(); }
  int group_of(int rank) const { return rank / ranks_per_group(); }
  void open_output();
  void look_around();
  void train_turns();
  void train(std::size_t run);
  void note_failure(std::size_t run, const std::exception& error, ExitCode code);
  bool stop_wanted();
  void collect();
  ExitCode conclude();
  void write_results() const;

  const Communicator& job_;
  const CvOptions& options_;
  std::unique_ptr<RunLock> lock_;  // on rank 0 of the job
  Communicator group_;
  StopNotice notice_;
  NodeMemory node_;
  ThreadShare threads_;
  Deadline deadline_;
  std::vector<CvRun> runs_;
  std::vector<std::int32_t> states_;               // [runs] when this start began
  std::vector<std::optional<FinalEvent>> finals_;  // [runs] complete on rank 0 of the job
  Json ended_ = Json::array();         // on rank 0 of each group: what became of its runs
  std::vector<std::string> failures_;  // on rank 0 of the job
  std::int32_t code_ = static_cast<std::int32_t>(ExitCode::kDone);  // the first failure's
  bool interrupted_ = false;                                        // this group
};

ExitCode CvJob::run() {
  open_output();
  look_around();
  train_turns();
  notice_.wait_for_all();  // a signal to a group that has nothing to do is for the others, too
  collect();
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
                                       options_.groups(), ranks_per_group()));
  const auto count = [&](State s) { return std::count(states_.begin(), states_.end(), s); };
  if (count(kFinished) + count(kBegun) > 0)
    say(spdlog::level::info,
        fmt::format("{} of them are finished, {} are continued", count(kFinished), count(kBegun)));
}

/// The groups take the unfinished runs in turns, each without a word to the others.
void CvJob::train_turns() {
  const int group = group_of(job_.rank());
  const int first = group * ranks_per_group();
  const RollCall roll_call(group_, first);
  int turn = 0;
  for (std::size_t i = 0; i < runs_.size() && !interrupted_; ++i) {
    if (states_[i] == kFinished || turn++ % options_.groups() != group) continue;
    if (stop_wanted())
      interrupted_ = true;
    else
      train(i);
  }
}

/// Of the group.
bool CvJob::stop_wanted() {
  if (group_.is_root()) notice_.listen();
  return group_.all_reduce(stop_signal(), Reduction::kMax) != 0;
}

/// Of the group. A failure is noted and leaves the other runs alone.
void CvJob::train(std::size_t run) {
  const Stopwatch watch;
  std::vector<std::string> args = runs_[run].options;
  if (states_[run] == kBegun) {
    args = options_.options_of_resumed();
    args.insert(args.end(), {"--run=" + runs_[run].directory, "--resume"});
  }
  Listener listener(notice_, lock_.get());
  try {
    FinalEvent event;
    {
      const LogToFilesOnly log(group_.is_root());
      event = train_among(group_, args, {threads_, deadline_, node_, &listener});
    }
    if (!group_.is_root()) return;
    say(spdlog::level::info, fmt::format("{}: {}  ({})", runs_[run].name, headline(event.report),
                                         human_seconds(watch.seconds())));
    ended_.push_back({{"run", run}, {"final", to_json(event)}});
  } catch (const Interrupted&) {
    interrupted_ = true;
  } catch (const InputError& error) {
    note_failure(run, error, ExitCode::kInputError);
  } catch (const CommonEnvironmentError& error) {
    note_failure(run, error, ExitCode::kFailure);
  }
}

/// Of the group.
void CvJob::note_failure(std::size_t run, const std::exception& error, ExitCode code) {
  if (!group_.is_root()) return;
  const std::string name = runs_[run].name;
  say(spdlog::level::err, fmt::format("{} failed: {}", name, error.what()));
  ended_.push_back({{"run", run}, {"code", static_cast<int>(code)}});
}

/// Rank 0 of the job learns what became of all runs.
void CvJob::collect() {
  interrupted_ = job_.all_reduce(static_cast<std::int32_t>(interrupted_), Reduction::kMax) != 0;
  const std::vector<std::string> texts = job_.gather_text(group_.is_root() ? ended_.dump() : "");
  std::vector<std::int32_t> codes(runs_.size(), static_cast<std::int32_t>(ExitCode::kDone));
  for (const std::string& text : texts) {
    if (text.empty()) continue;
    for (const Json& entry : Json::parse(text)) {
      const auto run = entry.at("run").get<std::size_t>();
      if (entry.contains("final"))
        finals_[run] = std::get<FinalEvent>(event_from_json(entry["final"]).value());
      if (entry.contains("code")) codes[run] = entry["code"].get<std::int32_t>();
    }
  }
  for (std::size_t i = 0; i < runs_.size(); ++i) {
    if (codes[i] == static_cast<std::int32_t>(ExitCode::kDone)) continue;
    if (failures_.empty()) code_ = codes[i];
    failures_.push_back(runs_[i].name);
  }
  job_.broadcast(std::span(&code_, 1));
}

ExitCode CvJob::conclude() {
  const auto done = std::count_if(finals_.begin(), finals_.end(),
                                  [](const auto& event) { return event.has_value(); });
  if (interrupted_) {
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

void check_groups(const Communicator& comm, std::int32_t groups) {
  if (groups > comm.size())
    throw InputError(fmt::format("--groups {}: there are only {} rank(s); choose at most as many",
                                 groups, comm.size()));
  if (comm.size() % groups != 0)
    throw InputError(
        fmt::format("--groups {}: {} ranks make no groups of the same size, which "
                    "comparable runs need; choose a divisor of {}",
                    groups, comm.size(), comm.size()));
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
