// SPDX-License-Identifier: Apache-2.0
#include "app/run_groups.hpp"

#include <exception>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "app/train_command.hpp"
#include "comm/roll_call.hpp"
#include "core/log.hpp"
#include "core/stop_signal.hpp"
#include "core/terminal.hpp"
#include "core/text.hpp"
#include "core/timer.hpp"
#include "events/json.hpp"

namespace siren::inline app {

namespace {

using Json = nlohmann::ordered_json;

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

}  // namespace

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

void say(spdlog::level::level_enum level, const std::string& line) {
  if (shows(level)) fmt::print(stderr, "siren: {}\n", printable(line));
}

RunGroups::RunGroups(const Communicator& job, std::int32_t groups, const std::string& time_limit)
    : job_(job),
      groups_(groups),
      group_(job.split(group_of(job.rank()), job.rank())),
      notice_(job),
      node_(node_memory(job)),
      threads_(thread_share(job)),
      deadline_(job_deadline(time_limit)) {}

std::vector<RunGroups::Outcome> RunGroups::train(std::span<const Task> tasks, bool tests,
                                                 const RunLock* lock, const Headline& headline) {
  const int group = group_of(job_.rank());
  std::vector<Outcome> mine(tasks.size());
  {
    const RollCall roll_call(group_, group * ranks_per_group());
    for (std::size_t i = 0; i < tasks.size() && !interrupted_; ++i) {
      if (static_cast<int>(i % static_cast<std::size_t>(groups_)) != group) continue;
      if (stop_wanted())
        interrupted_ = true;
      else
        mine[i] = train_one(tasks[i], tests, lock,
                            [&](const FinalEvent& event) { return headline(i, event); });
    }
  }
  notice_.wait_for_all();  // a signal to a group that has nothing to do is for the others, too
  return collect(mine);
}

/// Of the group.
bool RunGroups::stop_wanted() {
  if (group_.is_root()) notice_.listen();
  return group_.all_reduce(stop_signal(), Reduction::kMax) != 0;
}

/// Of the group. Only its root's outcome counts.
RunGroups::Outcome RunGroups::train_one(
    const Task& task, bool tests, const RunLock* lock,
    const std::function<std::string(const FinalEvent&)>& headline) {
  const Stopwatch watch;
  Listener listener(notice_, lock);
  Outcome outcome;
  const auto fail = [&](const std::exception& error, ExitCode code) {
    if (group_.is_root())
      say(spdlog::level::err, fmt::format("{} failed: {}", task.name, error.what()));
    outcome.code = code;
  };
  try {
    const LogToFilesOnly log(group_.is_root());
    outcome.final = train_among(group_, task.args, {threads_, deadline_, node_, &listener, tests});
  } catch (const Interrupted&) {
    interrupted_ = true;
  } catch (const InputError& error) {
    fail(error, ExitCode::kInputError);
  } catch (const CommonEnvironmentError& error) {
    fail(error, ExitCode::kFailure);
  }
  outcome.seconds = watch.seconds();
  if (outcome.final && group_.is_root())
    say(spdlog::level::info, fmt::format("{}: {}  ({})", task.name, headline(*outcome.final),
                                         human_seconds(outcome.seconds)));
  return outcome;
}

/// Rank 0 of the job learns what became of all runs.
std::vector<RunGroups::Outcome> RunGroups::collect(const std::vector<Outcome>& mine) {
  Json told = Json::array();
  for (std::size_t i = 0; i < mine.size(); ++i) {
    if (mine[i].seconds == 0.0) continue;
    told.push_back(
        {{"run", i}, {"code", static_cast<int>(mine[i].code)}, {"seconds", mine[i].seconds}});
    if (mine[i].final) told.back()["final"] = to_json(*mine[i].final);
  }
  interrupted_ = job_.all_reduce(static_cast<std::int32_t>(interrupted_), Reduction::kMax) != 0;
  const std::vector<std::string> texts = job_.gather_text(group_.is_root() ? told.dump() : "");
  std::vector<Outcome> all(mine.size());
  for (const std::string& text : texts) {
    if (text.empty()) continue;
    for (const Json& entry : Json::parse(text)) {
      Outcome& outcome = all[entry.at("run").get<std::size_t>()];
      outcome.code = static_cast<ExitCode>(entry.at("code").get<int>());
      outcome.seconds = entry.at("seconds").get<double>();
      if (entry.contains("final"))
        outcome.final = std::get<FinalEvent>(event_from_json(entry["final"]).value());
    }
  }
  return all;
}

}  // namespace siren::inline app
