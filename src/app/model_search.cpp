// SPDX-License-Identifier: Apache-2.0
#include "app/model_search.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <numeric>
#include <string_view>
#include <system_error>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "app/run_options.hpp"
#include "events/json.hpp"
#include "io/atomic_file.hpp"
#include "io/plain_file.hpp"
#include "siren/error.hpp"
#include "train/run_directory.hpp"

namespace siren::inline app {

namespace {

using Json = nlohmann::ordered_json;

double best_ndcg(const std::vector<FrontierPoint>& frontier) {
  double best = 0.0;
  for (const FrontierPoint& point : frontier)
    if (point.ndcg > best) best = point.ndcg;
  return best;
}

void take(CandidateRecord& record, const EpochReport& epoch) {
  record.epochs = std::max(record.epochs, epoch.epoch);
  record.seconds.resize(static_cast<std::size_t>(record.epochs));
  record.seconds[static_cast<std::size_t>(epoch.epoch - 1)] = epoch.seconds;
}

class Search {
 public:
  Search(const Communicator& job, RunGroups& groups, const SearchPlan& plan, const RunLock* lock)
      : job_(job), groups_(groups), plan_(plan), lock_(lock), result_{{}, {}} {
    result_.records.resize(plan.candidates.size());
  }

  std::optional<SearchResult> run();

 private:
  std::string directory(std::size_t candidate) const {
    return fmt::format("{}/{}", plan_.folder, plan_.candidates[candidate].name);
  }
  std::string progress_path() const { return plan_.folder + "/progress.json"; }
  void read_progress();
  [[noreturn]] void damaged() const;
  bool recall(std::size_t candidate, std::int32_t epochs);
  void write_progress(std::span<const std::size_t> unknown, std::int32_t epochs);
  std::string key(std::size_t candidate, std::int32_t epochs) const {
    return fmt::format("{} {}", plan_.candidates[candidate].name, epochs);
  }
  bool has_reached(std::size_t candidate, std::int32_t epochs) const;
  RunGroups::Task task(std::size_t candidate, std::int32_t epochs) const;
  void read(std::span<const std::size_t> candidates);
  void train(const std::vector<std::size_t>& alive, std::int32_t epochs);
  std::string headline(std::size_t candidate) const;

  const Communicator& job_;
  RunGroups& groups_;
  const SearchPlan& plan_;
  const RunLock* lock_;
  SearchResult result_;
  Json progress_ = Json::object();  // the same on all ranks
};

/// Rank 0 reads, all know.
void Search::read_progress() {
  std::string text;
  agree_on_input(job_, [&] {
    std::error_code error;
    if (!job_.is_root() || !std::filesystem::exists(progress_path(), error)) return;
    constexpr std::int64_t kMostBytes = std::int64_t{1} << 28;
    text = read_small_file(progress_path(), kMostBytes);
  });
  job_.broadcast(text);
  if (text.empty()) return;
  agree_on_input(job_, [&] {
    progress_ = Json::parse(text, nullptr, false);
    if (!progress_.is_object()) damaged();
  });
}

[[noreturn]] void Search::damaged() const {
  throw InputError(fmt::format(
      "{} is damaged; remove it, then the search reads the runs themselves", progress_path()));
}

/// Whether it was known for that rung.
bool Search::recall(std::size_t candidate, std::int32_t epochs) {
  const auto stored = progress_.find(key(candidate, epochs));
  if (stored == progress_.end()) return false;
  agree_on_input(job_, [&] {
    try {
      result_.records[candidate] = record_from_json(*stored);
    } catch (const std::exception&) {
      damaged();
    }
  });
  return true;
}

/// Of a rung that has ended.
void Search::write_progress(std::span<const std::size_t> unknown, std::int32_t epochs) {
  for (const std::size_t i : unknown)  // one that failed is tried again
    if (result_.records[i].step > 0) progress_[key(i, epochs)] = to_json(result_.records[i]);
  agree_on_input(job_, [&] {
    if (job_.is_root()) write_text_file(progress_path(), json_text(progress_, 1));
  });
}

bool Search::has_reached(std::size_t candidate, std::int32_t epochs) const {
  const CandidateRecord& record = result_.records[candidate];
  const bool out_of_patience = plan_.patience > 0 && record.since_best >= plan_.patience;
  return record.step > 0 && (record.epochs >= epochs || out_of_patience);
}

RunGroups::Task Search::task(std::size_t candidate, std::int32_t epochs) const {
  const Candidate& one = plan_.candidates[candidate];
  const bool begun = result_.records[candidate].begun != 0;
  std::vector<std::string> args =
      begun ? plan_.resumed : merged_options(plan_.options, one.options);
  if (begun) args.emplace_back("--resume");
  if (!begun) args.push_back("--stage=" + one.name);
  if (!begun && plan_.polarity_rate)  // the number a step, which is fixed now
    args.push_back(fmt::format("--polarity-epochs={}", std::ceil(*plan_.polarity_rate * epochs)));
  args.push_back(fmt::format("--epochs={}", epochs));
  args.push_back("--run=" + directory(candidate));
  return {one.name, std::move(args)};
}

/// Rank 0 reads, all know.
void Search::read(std::span<const std::size_t> candidates) {
  for (const std::size_t candidate : candidates) {
    std::string text;
    agree_on_input(job_, [&] {
      if (job_.is_root()) text = to_json(read_candidate(directory(candidate))).dump();
    });
    job_.broadcast(text);
    result_.records[candidate] = record_from_json(Json::parse(text));
  }
}

std::string Search::headline(std::size_t candidate) const {
  CandidateRecord record;
  try {
    record = read_candidate(directory(candidate));
  } catch (const InputError& error) {
    return error.what();  // told to all ranks when all of them look
  }
  return fmt::format("{} epochs, nDCG@10 {:.4f} on validation behind epoch {}", record.epochs,
                     record.ndcg, record.best_epoch);
}

void Search::train(const std::vector<std::size_t>& alive, std::int32_t epochs) {
  std::vector<RunGroups::Task> tasks;
  std::vector<std::size_t> of_task;
  std::vector<std::size_t> unknown;
  for (const std::size_t candidate : alive)
    if (!recall(candidate, epochs)) unknown.push_back(candidate);
  read(unknown);
  for (const std::size_t candidate : unknown) {
    if (has_reached(candidate, epochs)) continue;
    tasks.push_back(task(candidate, epochs));
    of_task.push_back(candidate);
  }
  const std::vector<RunGroups::Outcome> outcomes =
      groups_.train(tasks, false, lock_,
                    [&](std::size_t task, const FinalEvent&) { return headline(of_task[task]); });
  if (groups_.interrupted()) return;
  auto code = static_cast<std::int32_t>(ExitCode::kDone);
  for (const RunGroups::Outcome& outcome : outcomes)
    if (code == 0) code = static_cast<std::int32_t>(outcome.code);
  job_.broadcast(std::span(&code, 1));
  read(of_task);
  if (!unknown.empty()) write_progress(unknown, epochs);
  const bool any = std::any_of(alive.begin(), alive.end(), [&](std::size_t candidate) {
    return result_.records[candidate].step > 0;
  });
  if (any) return;
  const std::string reason = fmt::format("no candidate of {} came to its end", plan_.folder);
  if (code == static_cast<std::int32_t>(ExitCode::kInputError)) throw InputError(reason);
  throw CommonEnvironmentError(reason);
}

std::optional<SearchResult> Search::run() {
  std::vector<std::size_t> alive(plan_.candidates.size());
  std::iota(alive.begin(), alive.end(), std::size_t{0});
  read_progress();
  std::vector<std::size_t> order = alive;
  for (const Rung& rung : plan_.rungs) {
    train(alive, rung.epochs);
    if (groups_.interrupted()) return std::nullopt;
    alive = ranked(alive, result_.records);
    std::ranges::copy(alive, order.begin());
    alive.resize(std::min(rung.keep, alive.size()));
  }
  result_.order = order;
  return result_;
}

Json json_of(const Candidate& candidate, const CandidateRecord& record) {
  Json json = {{"candidate", candidate.name},
               {"options", candidate.options},
               {"epochs", record.epochs},
               {"best_epoch", record.best_epoch},
               {"nDCG@10", record.ndcg},
               {"seconds", std::accumulate(record.seconds.begin(), record.seconds.end(), 0.0)}};
  if (record.choice) json["choice"] = to_json(Event(*record.choice));
  return json;
}

/// Of the frontier, at the chosen lambda; null if it was not measured.
const FrontierPoint* chosen_point(const CandidateRecord& record) {
  if (!record.choice) return nullptr;
  const auto& frontier = record.choice->frontier;
  const auto at = std::ranges::find(frontier, record.choice->lambda, &FrontierPoint::lambda);
  return at == frontier.end() ? nullptr : &*at;
}

}  // namespace

void Candidate::vary(std::string_view option, std::string_view letter, double value) {
  name += fmt::format("{}{}{}", name.empty() ? "" : "-", letter, value);
  options.push_back(fmt::format("--{}={}", option, value));
}

Json to_json(const CandidateRecord& record) {
  Json json = {{"begun", record.begun},           {"epochs", record.epochs},
               {"best_epoch", record.best_epoch}, {"step", record.step},
               {"since_best", record.since_best}, {"ndcg", record.ndcg},
               {"seconds", record.seconds}};
  if (record.choice) json["choice"] = to_json(Event(*record.choice));
  return json;
}

CandidateRecord record_from_json(const Json& json) {
  CandidateRecord record;
  json.at("begun").get_to(record.begun);
  json.at("epochs").get_to(record.epochs);
  json.at("best_epoch").get_to(record.best_epoch);
  json.at("step").get_to(record.step);
  json.at("since_best").get_to(record.since_best);
  json.at("ndcg").get_to(record.ndcg);
  json.at("seconds").get_to(record.seconds);
  if (json.contains("choice"))
    record.choice = std::get<LambdaEvent>(event_from_json(json["choice"]).value());
  return record;
}

CandidateRecord read_candidate(const std::string& directory) {
  CandidateRecord record;
  const RunDirectory run(directory);
  std::error_code error;
  record.begun = std::filesystem::exists(run.config_path(), error) ? 1 : 0;
  if (run.metrics_bytes() == 0) return record;
  double best_evaluation = -1.0;
  std::int32_t best_epoch = 0;
  run.each_event([&](const Event& event) {
    if (const auto* epoch = std::get_if<EpochReport>(&event)) {
      if (epoch->epoch < 1) return;
      take(record, *epoch);
      record.step = 0;  // it has gone on and has not come to an end yet
    }
    const auto* evaluation = std::get_if<EvalEvent>(&event);
    if (evaluation != nullptr && evaluation->report.split == "valid") {
      const double ndcg = evaluation->report.metric("nDCG@10");
      const bool better = ndcg > best_evaluation;
      record.since_best = better ? 0 : record.since_best + 1;
      if (better) {
        best_evaluation = ndcg;
        best_epoch = evaluation->epoch;
      }
    }
    if (const auto* choice = std::get_if<LambdaEvent>(&event)) record.choice = *choice;
    if (const auto* final = std::get_if<FinalEvent>(&event)) record.step = final->step;
  });
  record.best_epoch = best_epoch > 0 ? best_epoch : record.epochs;
  record.ndcg = std::max(best_evaluation, 0.0);
  if (record.choice && !record.choice->frontier.empty())
    record.ndcg = best_ndcg(record.choice->frontier);
  return record;
}

std::vector<std::size_t> ranked(std::span<const std::size_t> among,
                                const std::vector<CandidateRecord>& records) {
  std::vector<std::size_t> best(among.begin(), among.end());
  std::ranges::stable_sort(best, [&](std::size_t a, std::size_t b) {
    const auto score = [&](std::size_t i) { return records[i].step > 0 ? records[i].ndcg : -1.0; };
    return score(a) > score(b);
  });
  return best;
}

std::optional<SearchResult> search_models(const Communicator& job, RunGroups& groups,
                                          const SearchPlan& plan, const RunLock* lock) {
  return Search(job, groups, plan, lock).run();
}

std::string format_search(const SearchPlan& plan, const SearchResult& result) {
  std::size_t width = 9;
  for (const Candidate& candidate : plan.candidates) width = std::max(width, candidate.name.size());
  std::string text =
      fmt::format("{:<{}}  {:>6}  {:>7}  {:>7}  {:>6}  {:>10}  {:>6}\n", "candidate", width,
                  "epochs", "best at", "nDCG@10", "lambda", "Dislike@10", "AUC");
  for (const std::size_t i : result.order) {
    const CandidateRecord& record = result.records[i];
    text += fmt::format("{:<{}}  {:>6}  {:>7}  {:>7.4f}", plan.candidates[i].name, width,
                        record.epochs, record.best_epoch, record.ndcg);
    if (const FrontierPoint* point = chosen_point(record))
      text +=
          fmt::format("  {:>6.4g}  {:>10.4f}  {:>6.4f}", point->lambda, point->dislike, point->auc);
    text += i == result.chosen() ? "  chosen\n" : "\n";
  }
  return text;
}

std::string search_csv(const SearchPlan& plan, const SearchResult& result) {
  std::string text = "candidate,options,epochs,best_epoch,ndcg,lambda,dislike,auc\n";
  for (const std::size_t i : result.order) {
    const CandidateRecord& record = result.records[i];
    text += fmt::format("{},{},{},{},{}", plan.candidates[i].name,
                        fmt::join(plan.candidates[i].options, " "), record.epochs,
                        record.best_epoch, record.ndcg);
    if (const FrontierPoint* point = chosen_point(record))
      text += fmt::format(",{},{},{}\n", point->lambda, point->dislike, point->auc);
    else
      text += ",,,\n";
  }
  return text;
}

std::string search_json(const SearchPlan& plan, const SearchResult& result) {
  Json json = {{"chosen", plan.candidates[result.chosen()].name}, {"candidates", Json::array()}};
  for (const std::size_t i : result.order)
    json["candidates"].push_back(json_of(plan.candidates[i], result.records[i]));
  return json_text(json, 1);
}

}  // namespace siren::inline app
