// SPDX-License-Identifier: Apache-2.0
#include "app/train_command.hpp"

#include <cstdio>
#include <exception>
#include <filesystem>
#include <memory>
#include <system_error>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "app/best_search.hpp"
#include "app/check_start.hpp"
#include "app/commands.hpp"
#include "app/common_options.hpp"
#include "app/progress.hpp"
#include "app/run_options.hpp"
#include "app/stored_model.hpp"
#include "app/train_beginning.hpp"
#include "app/train_options.hpp"
#include "core/heartbeat.hpp"
#include "core/log.hpp"
#include "core/terminal.hpp"
#include "core/text.hpp"
#include "siren/environment.hpp"
#include "train/lambda_choice.hpp"
#include "train/model_state.hpp"
#include "train/node_memory.hpp"
#include "train/not_finite.hpp"
#include "train/observer.hpp"
#include "train/polarity_trainer.hpp"
#include "train/run.hpp"
#include "train/run_checkpoints.hpp"
#include "train/run_directory.hpp"
#include "train/run_lock.hpp"
#include "train/session.hpp"

namespace siren::inline app {

namespace {

struct TrainCommand {
  RunConfig config;
  bool resume = false;
  OptionParser options{"train", "--data FILE --run DIR [options] | --run DIR --resume",
                       "Trains a model; start it with mpirun or srun for several ranks."};

  TrainCommand() {
    declare_run_options(options, config);
    options
        .custom(
            "resume", [this](const OptionText& option) { resume = parse_bool(option); },
            [] { return std::string(); }, "", "continue the run in --run, on any number of ranks")
        .on_resume(OnResume::kFree);
  }

  /// Whether a search for settings comes first.
  bool searches() const { return config.preset == kBestPreset; }

  /// False if only help was wanted.
  bool parse(std::span<const std::string> args) {
    if (!options.parse(args)) return false;
    if (options.given("resume")) {
      apply_resumed(args);
    } else {
      apply_preset(options, config);
      options.apply();
      check_applicable(options, config);
    }
    leave_out_inapplicable(options, config);
    validate(config);
    if (config.train.run.empty())
      throw InputError("--run is missing: name the directory for this run's results");
    return true;
  }

 private:
  /// Of a run, of one that comes from a search, or of a search that has not come to its model yet.
  void apply_resumed(std::span<const std::string> args) {
    const std::string run = options.text_of("run").value_or("");
    if (const std::string request = search_under_way(run); !request.empty()) {
      options.parse(with_request(args, request));
      apply_preset(options, config);
      options.apply();
      return;
    }
    if (was_searched(run)) options.parse(without_repeated(options, run));
    apply_to_stored(options, config);
  }
};

/// Of a run that shares a job with others, or is a stage of a search.
void refuse_search(const TrainCommand& command) {
  if (command.searches())
    throw InputError(
        "--preset best is a search of its own and cannot be one run of several; train it alone and "
        "give the settings that it finds (config.ini of its run)");
}

/// Evaluates during training by the split asked for, or by validation if there is any; null if every
/// rating trains.
std::unique_ptr<Evaluator> watching_evaluator(const TrainConfig& config, const Session& session) {
  session.require_test_pairs();
  const std::string split =
      config.eval_split ? std::string(name_of(*config.eval_split)) : session.default_split();
  return split.empty() ? nullptr : session.make_evaluator(split, Mask::kTrain, config.eval_users);
}

/// Ends the job when another start has taken the directory, or it is gone.
class LockWatch final : public Observer {
 public:
  explicit LockWatch(const RunLock* lock) : lock_(lock) {}
  void on_step(const StepReport&) override { lock_->check_found(); }

 private:
  const RunLock* lock_;
};

/// One start of `siren train`. All members are collective; parts are built in the order in which
/// they refer to each other.
class Job {
 public:
  /// `among` is null for a run that has the job for itself.
  Job(const Communicator& comm, TrainCommand& command, const AmongRuns* among)
      : comm_(comm),
        command_(command),
        among_(among),
        config_(command.config.train),
        directory_(config_.run),
        lock_(lock_directory()),
        deadline_(among == nullptr ? job_deadline(config_.time_limit) : among->deadline),
        threads_(set_threads(comm, config_.threads,
                             among == nullptr ? thread_share(comm) : among->threads)),
        session_(comm, command.config.data, config_),
        evaluator_(watching_evaluator(config_, session_)),
        checkpoints_(comm, session_, directory_, config_text(), config_.keep) {}

  ExitCode run();
  /// The event of the final evaluation, on rank 0 once the run is done.
  const FinalEvent& final_event() const { return final_event_; }

 private:
  std::string config_text();
  std::unique_ptr<RunLock> lock_directory() const;
  void open_directory();
  bool starts_from_another();
  std::string begin();
  RunProgress resume();
  void start_metrics();
  std::int64_t final_step(const TrainingRun& run) const;
  std::optional<LambdaEvent> choice_of_search() const;
  std::optional<LambdaEvent> lambda_without_validation() const;
  double choose_lambda(TrainingRun& run, std::int64_t step);
  void finish(TrainingRun& run);
  bool is_near_its_end() const;
  std::string explain(const NotFinite& error) const;
  void report_in_time() const;
  void note_failure(std::int64_t step, const std::string& reason);

  const Communicator& comm_;
  TrainCommand& command_;
  const AmongRuns* among_;
  const TrainConfig& config_;
  RunDirectory directory_;
  std::unique_ptr<RunLock> lock_;  // rank 0; released when all else has come to its end
  Deadline deadline_;
  int threads_;
  Session session_;
  std::unique_ptr<Evaluator> evaluator_;  // during training; null: nothing to evaluate by
  RunCheckpoints checkpoints_;
  std::unique_ptr<EventLogger> metrics_;  // rank 0
  FinalEvent final_event_;
};

ExitCode Job::run() {
  check_evaluation(command_.config, evaluator_ == nullptr ? "" : evaluator_->split(),
                   command_.resume);
  Training& training =
      among_ == nullptr ? session_.start_training() : session_.start_training(among_->node);
  const std::string beginning = begin();  // before anything is written: it may refuse
  if (command_.resume) check_end(comm_, directory_, config_, training.steps_per_epoch());
  open_directory();
  report_start(comm_, session_, threads_);
  report_final_model(session_);
  if (final_columns(config_).polarity > 0 && !trains_polarity(config_, session_.loaded().train))
    spdlog::warn("the train part has no dislikes: no polarity branch is trained, and lambda is 0");
  if (!beginning.empty()) spdlog::info("{}", beginning);
  if (config_.eval_every == 0 && session_.default_split() == "valid")
    spdlog::info(
        "the validation part is not evaluated; --eval-every N does, and keeps the best model");
  const RunProgress progress = command_.resume ? resume() : RunProgress{};
  if (command_.resume) report_end(config_, training, progress);
  start_metrics();
  Progress bar(training.steps_done(), planned_steps(config_, training.steps_per_epoch()), progress,
               among_ == nullptr);
  RunParts parts{evaluator_.get(), &checkpoints_, {}, deadline_};
  LockWatch watch(lock_.get());
  if (comm_.is_root()) parts.observers = {&watch, metrics_.get(), &bar};
  if (comm_.is_root() && among_ != nullptr) parts.observers.push_back(among_->observer);
  TrainingRun run(comm_, config_, training, parts, progress);
  std::int64_t last_step = 0;
  try {
    run.run();
    finish(run);
    last_step = final_step(run);
  } catch (const Interrupted& reason) {
    spdlog::warn("{}; continue with: siren train --run {} --resume", reason.what(),
                 shell_quoted(config_.run));
    if (comm_.is_root()) metrics_->write(InterruptedEvent{training.steps_done(), reason.what()});
    if (comm_.is_root()) report_in_time();
    return ExitCode::kInterrupted;
  } catch (const NotFinite& error) {
    const std::string reason = explain(error);
    if (comm_.is_root()) note_failure(error.step(), reason);
    throw CommonEnvironmentError(reason);
  }
  if (among_ == nullptr && !is_near_its_end())
    session_.keep_final_rows(directory_.checkpoint_path(last_step));
  return ExitCode::kDone;
}

/// Collective. Whether the job has no time for what it may leave out.
bool Job::is_near_its_end() const {
  constexpr double kReserve = 60.0;  // seconds
  std::int32_t near = comm_.is_root() && deadline_.within(kReserve) ? 1 : 0;
  comm_.broadcast(std::span<std::int32_t>(&near, 1));
  return near != 0;
}

/// With what the data set decides and its whole path: the same run however, wherever it goes on.
std::string Job::config_text() {
  command_.config.data.data = whole_path(command_.config.data.data);
  command_.config.train.lr_steps = session_.config().lr_steps;
  command_.config.train.polarity_batches = session_.config().polarity_batches;
  return command_.options.config_text();
}

/// Collective. From now on nobody else writes to the directory, if there is one; so whoever is at
/// work there is named before anything else is said or loaded.
std::unique_ptr<RunLock> Job::lock_directory() const {
  std::unique_ptr<RunLock> lock;
  agree_on_input(comm_, [&] {
    if (!comm_.is_root() || !directory_.is_there()) return;
    lock = std::make_unique<RunLock>(directory_.path(), "--run " + directory_.path(),
                                     RunLock::Rules{config_.hang_timeout});
    if (!command_.resume) directory_.check_free();
  });
  return lock;
}

void Job::open_directory() {
  bool made = false;  // something that was missing
  agree_on_input(comm_, [&] {
    if (!comm_.is_root()) return;
    made = directory_.make();
  });
  const std::int32_t is_new = comm_.is_root() && lock_ != nullptr ? 0 : 1;
  if (comm_.all_reduce(is_new, Reduction::kMin) != 0) lock_ = lock_directory();
  agree_on_input(comm_, [&] {
    if (!command_.resume && comm_.is_root()) directory_.create(config_text());
  });
  if (!comm_.is_root()) return;
  checkpoints_.save_under(*lock_);
  also_log_to_file(directory_.log_path());
  if (!lock_->taken_over().empty()) spdlog::warn("{}", lock_->taken_over());
  if (command_.resume && made)
    spdlog::warn("{} was not there and is made again", directory_.checkpoints_path());
}

/// Collective. Also a run that is resumed, if it has saved nothing yet.
bool Job::starts_from_another() {
  if (config_.init_from.empty()) return false;
  std::int32_t fresh = 1;
  agree_on_input(comm_, [&] {
    if (comm_.is_root() && command_.resume) fresh = directory_.checkpoint_steps().empty() ? 1 : 0;
  });
  comm_.broadcast(std::span<std::int32_t>(&fresh, 1));
  return fresh != 0;
}

/// The initial model of a run that has none of its own yet; says what was taken over for it.
std::string Job::begin() {
  if (!starts_from_another()) return {};
  const HeldCheckpoint checkpoint = checkpoint_meant_by(comm_, config_.init_from);
  const WarmStart known = session_.start_from(checkpoint.path);
  const DatasetSummary& now = session_.summary();
  return fmt::format(
      "begins with {}: {} of {} users and {} of {} items are known there, the others are new; {} "
      "users and {} items of it are not in this data set",
      config_.init_from, grouped(known.known_users), grouped(now.users), grouped(known.known_items),
      grouped(now.items), grouped(known.forgotten_users), grouped(known.forgotten_items));
}

RunProgress Job::resume() {
  const std::optional<RunProgress> progress = checkpoints_.resume();
  agree_on_input(comm_, [&] {
    if (!comm_.is_root()) return;
    if (!progress) directory_.cut_metrics(0);
    const std::string config = config_text();
    if (config != directory_.config()) directory_.rewrite_config(config);
  });
  if (!progress) spdlog::warn("no checkpoint was saved before: the run starts from the beginning");
  return progress.value_or(RunProgress{});
}

void Job::start_metrics() {
  const MemoryEvent memory = report_memory(comm_, session_);
  const StartEvent start = report_ranks(comm_, session_, threads_);
  if (!comm_.is_root()) return;
  metrics_ =
      std::make_unique<EventLogger>(directory_.metrics_path(), config_.log_steps, config_.stage);
  if (command_.resume) metrics_->write(ResumeEvent{session_.training().steps_done(), comm_.size()});
  metrics_->write(start);
  metrics_->write(memory);
}

/// Of the best model on the validation split, if there is one, else of the last.
std::int64_t Job::final_step(const TrainingRun& run) const {
  const std::int64_t best = run.progress().best_step;
  return best != 0 ? best : session_.training().steps_done();
}

/// Collective. As its search chose it, with the frontier, or as it was given; nothing if neither.
std::optional<LambdaEvent> Job::lambda_without_validation() const {
  const LambdaRule rule = parse_lambda_rule(config_.choose);
  const bool fixed = rule.kind == LambdaRule::Kind::kFixed;
  std::optional<LambdaEvent> stage = choice_of_search();
  if (stage && (!fixed || rule.lambda == stage->lambda)) {
    if (!fixed && command_.options.given("choose"))
      spdlog::warn("lambda stays as the search chose it; choose it anew with: siren tune --run {}",
                   shell_quoted(config_.run));
    return stage;
  }
  if (!fixed) return std::nullopt;
  LambdaEvent choice;
  choice.rule = config_.choose;
  choice.split = "none";
  choice.lambda = rule.lambda;
  return choice;
}

/// Collective. Of a model that was trained anew on all of train: lambda as its search chose it.
std::optional<LambdaEvent> Job::choice_of_search() const {
  std::string chosen;
  agree_on_input(comm_, [&] {
    if (!comm_.is_root()) return;
    if (const auto stage = directory_.chosen_stage()) chosen = stage->path();
  });
  comm_.broadcast(chosen);
  if (chosen.empty()) return std::nullopt;
  return read_lambda(comm_, preferred_checkpoint(comm_, RunDirectory(chosen)).path);
}

/// Collective. Of a factored model, loaded, of that step; noted beside its checkpoint. What was
/// chosen before for that very checkpoint (siren tune) stays, unless another rule is asked for.
double Job::choose_lambda(TrainingRun& run, std::int64_t step) {
  if (final_columns(config_).polarity == 0) return kPlainLambda;
  const std::string checkpoint = directory_.checkpoint_path(step);
  LambdaEvent choice;
  if (const auto before = read_lambda(comm_, checkpoint);
      before && !command_.options.given("choose")) {
    choice = *before;
  } else if (!trains_polarity(config_, session_.loaded().train)) {
    choice.rule = "no-polarity";
    choice.split = "none";
  } else if (session_.has_split("valid")) {
    choice = run.choose_lambda(*session_.make_evaluator("valid", Mask::kTrain, config_.eval_users),
                               config_.choose);
  } else if (const auto given = lambda_without_validation()) {
    choice = *given;
  } else {
    spdlog::info(
        "lambda is {}: there are no validation ratings to choose it by (prepare --valid-share, or "
        "--hold-out)",
        kPlainLambda);
    return kPlainLambda;
  }
  choice.step = step;
  agree_on_input(comm_, [&] {
    if (!comm_.is_root()) return;
    write_lambda(checkpoint, choice);
    metrics_->write(choice);
    if (among_ == nullptr && !choice.frontier.empty()) print_lines(format_frontier(choice));
  });
  return choice.lambda;
}

/// The test split is evaluated once: by the best model on the validation split, if there is one, else
/// by the last. Without a test part the final event has no figures.
void Job::finish(TrainingRun& run) {
  const std::int64_t done = session_.training().steps_done();
  const std::int64_t best = final_step(run);
  EvaluationReport report;
  report.split = "none";
  const bool has_test = session_.has_split("test");
  const bool evaluated = has_test && (among_ == nullptr || among_->tests);
  const bool factored = final_columns(config_).polarity > 0;
  if (best != done && (evaluated || factored)) checkpoints_.load_parameters(best);
  const double lambda = choose_lambda(run, best);
  if (evaluated) {
    if (evaluator_->split() != "test" || config_.eval_users > 0)
      evaluator_ = session_.make_evaluator("test");
    report = run.evaluate(*evaluator_, lambda);
  }
  if (!comm_.is_root()) return;
  final_event_ = {best, report};
  metrics_->write(final_event_);
  if (!has_test)
    spdlog::info(
        "no test part: the model of step {} was not evaluated; use it with: siren recommend "
        "--run {} --all --top 10",
        best, shell_quoted(config_.run));
  else if (evaluated && among_ == nullptr)
    print_lines(format_report(report));
  write_own_report(config_.run);
}

/// What people need to go on: the id of the row at fault and the checkpoint before it. The text is
/// rank 0's, which speaks for all.
std::string Job::explain(const NotFinite& error) const {
  if (!comm_.is_root()) return error.what();
  const std::optional<NodeId> node = error.node();
  const std::vector<std::int64_t> steps = directory_.checkpoint_steps();
  return fmt::format(
      "{}; {}", error.sentence(node ? session_.original_id(*node) : std::string()),
      steps.empty() ? "no checkpoint had been saved"
                    : "the last good checkpoint is " + directory_.checkpoint_path(steps.front()));
}

/// On rank 0, of a run that was stopped: who stopped it waits only so long.
void Job::report_in_time() const {
  constexpr std::int64_t kMostBytes = 16'000'000;  // of events; some tenths of a second
  if (directory_.metrics_bytes() <= kMostBytes) return write_own_report(config_.run);
  spdlog::info("no report yet, that would take long; write it with: siren report {}",
               shell_quoted(config_.run));
}

/// On rank 0. What cannot be written must not hide the reason.
void Job::note_failure(std::int64_t step, const std::string& reason) {
  try {
    metrics_->write(FailedEvent{step, reason});
  } catch (const EnvironmentError& error) {
    spdlog::warn("{}", error.what());
  }
  write_own_report(config_.run);
}

}  // namespace

int run_train(const Communicator& comm, CommandArgs args) {
  TrainCommand command;
  if (!parse_together(comm, [&] { return command.parse(args); }))
    return static_cast<int>(ExitCode::kDone);
  check_same_options(comm, command.options.config_text());
  heartbeat().set_timeout(command.config.train.hang_timeout);
  agree_on_input(comm, [&] {
    const TrainConfig& train = command.config.train;
    if (!command.searches() && !command.resume && !search_under_way(train.run).empty())
      throw InputError(
          fmt::format("--run {}: a search is there already; choose another directory, or --resume "
                      "to continue it",
                      train.run));
  });
  if (!command.searches()) return static_cast<int>(Job(comm, command, nullptr).run());
  BestSearch search(comm, command.options, command.config, command.resume);
  const std::optional<std::vector<std::string>> found = search.run();
  if (!found) return static_cast<int>(ExitCode::kInterrupted);
  TrainCommand last;
  agree_on_input(comm, [&] { last.parse(*found); });
  return static_cast<int>(Job(comm, last, nullptr).run());
}

void check_train_options(std::span<const std::string> args) {
  TrainCommand command;
  command.parse(args);
  refuse_search(command);
}

FinalEvent train_among(const Communicator& comm, std::span<const std::string> args,
                       const AmongRuns& among) {
  TrainCommand command;
  agree_on_input(comm, [&] {
    command.parse(args);
    refuse_search(command);
  });
  std::exception_ptr failure;  // known to all ranks of the run
  {
    Job job(comm, command, &among);
    try {
      if (job.run() == ExitCode::kDone) return job.final_event();
      failure = std::make_exception_ptr(Interrupted(command.config.train.run));
    } catch (const InputError&) {
      failure = std::current_exception();
    } catch (const CommonEnvironmentError&) {
      failure = std::current_exception();
    }
  }  // not while an exception is under way: then messages would stay behind, and others train on
  std::rethrow_exception(failure);
}

}  // namespace siren::inline app
