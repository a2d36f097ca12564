// SPDX-License-Identifier: Apache-2.0
#include "app/tune_search.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <numeric>
#include <set>
#include <string_view>
#include <system_error>

#include <fmt/format.h>
#include <xxhash.h>

#include "app/run_options.hpp"
#include "app/train_command.hpp"
#include "core/log.hpp"
#include "core/settings.hpp"
#include "core/terminal.hpp"
#include "core/text.hpp"
#include "core/timer.hpp"
#include "data/dataset_file.hpp"
#include "io/atomic_file.hpp"
#include "io/output_guard.hpp"
#include "io/plain_file.hpp"
#include "siren/error.hpp"

namespace siren::inline app {

namespace fs = std::filesystem;

namespace {

constexpr std::int32_t kFirstEpochs = 6;
constexpr std::int32_t kLastEpochs = 60;
constexpr std::size_t kShareKept = 3;  // one of so many goes on, so many times as far
constexpr double kSecondsPerMinute = 60.0;

/// The grid; README.md of this folder lists it, too.
struct Axis {
  const char* name;    // of the option
  const char* letter;  // in names of candidates
  std::array<double, 5> values;
  std::size_t count;
};
constexpr std::array kGrid = {
    Axis{"dim", "d", {64, 128, 256, 512}, 4},
    Axis{"layers", "layers", {1, 2, 3}, 3},
    Axis{"dislike-edge-weight", "kappa", {0, 0.5, 1}, 3},
    Axis{"dislike-weight", "eta", {0, 0.25, 0.5, 1}, 4},
    Axis{"reg", "reg", {0.005, 0.015, 0.05, 0.15, 0.5}, 5},
    Axis{"lr", "lr", {0.01, 0.02, 0.04}, 3},
};
constexpr std::array<std::string_view, 6> kOfLambda = {"run",     "checkpoint", "data",
                                                       "threads", "isa",        "choose"};
constexpr std::array<std::string_view, 6> kOfAnyStart = {"output",    "groups", "time-limit",
                                                         "log-level", "quiet",  "hang-timeout"};
constexpr std::string_view kNumber = "# candidates: ";
constexpr std::string_view kContent = "# content of the data set: ";

/// What tune.ini says of `options` for these ratings: first the content, then the number.
std::string request_text(const TuneOptions& options, std::size_t candidates) {
  const std::string content = DatasetFile(options.run().data.data).summary().content_hash;
  return fmt::format("{}{}\n{}{}\n{}", kContent, content, kNumber, candidates,
                     options.config_text());
}

/// The number in such a text; 0 if there is none.
std::size_t number_in(const std::string& text) {
  const std::size_t at = text.find(kNumber);
  std::size_t number = 0;
  if (at == std::string::npos) return number;
  const char* begin = text.data() + at + kNumber.size();
  std::from_chars(begin, text.data() + text.size(), number);
  return number;
}

/// As --config reads them; data first, by which such files are known (io/output_guard.hpp).
Settings settings_of(std::vector<std::string> options) {
  std::stable_partition(options.begin(), options.end(),
                        [](const std::string& option) { return name_of_option(option) == "data"; });
  Settings settings;
  for (const std::string& option : options)
    settings.add(std::string(name_of_option(option)), option.substr(option.find('=') + 1));
  return settings;
}

double value_in(const std::vector<std::string>& options, std::string_view name, double otherwise) {
  const std::string key = fmt::format("--{}=", name);
  for (const std::string& option : options)
    if (option.starts_with(key)) return std::stod(option.substr(key.size()));
  return otherwise;
}

}  // namespace

TuneOptions::TuneOptions()
    : options_(
          "tune", "--data FILE --budget MINUTES --output DIR [options] | --run DIR [options]",
          "Searches settings of the factored model for a data set, around --preset best: many "
          "candidates\nfor a few epochs, the better ones further. The validation part decides, "
          "or a tenth of train; the\ntest part is never read. Called again it goes on. All "
          "options of `siren train` may be given for\nall candidates, except --run and "
          "--resume; what is given is not searched.\nWith --run: chooses lambda of a trained "
          "factored model anew, by the validation part. Nothing\nis trained.") {
  options_.section("Search");
  options_.number("budget", budget_, {0.0, 1e6}, "MINUTES",
                  "how many candidates are tried is planned by it");
  options_.text("output", output_, "DIR", "folder for runs/, results.csv and config.ini");
  options_.number("groups", groups_, {1}, "G", "candidates at a time; each has 1/G of the ranks");
  options_.section("Lambda of a run");
  options_.text("checkpoint", checkpoint_, "FILE",
                "a checkpoint of that run (default: the best, else the newest)");
  options_.hide_the_rest();
  declare_run_options(options_, run_);
  for (const char* name : {"run", "data", "choose", "threads"}) options_.show(name);
}

bool TuneOptions::parse(std::span<const std::string> args) {
  if (!options_.parse(args)) return false;
  if (searches()) {
    run_.train.model = ModelKind::kFactored;
    apply_preset(options_, run_);
  }
  options_.apply();
  if (searches())
    check_search();
  else
    check_lambda();
  return true;
}

void TuneOptions::check_lambda() const {
  for (const std::string& name : options_.given_names())
    if (std::ranges::find(kOfLambda, name) == kOfLambda.end() &&
        std::ranges::find(kOfAnyStart, name) == kOfAnyStart.end())
      throw InputError(fmt::format(
          "--{} says nothing about the lambda of a run; leave it out, or give --data, --budget and "
          "--output for a search",
          name));
  if (run_.train.run.empty() && !run_.data.data.empty())
    throw InputError(
        "--output is missing: name a folder for the search, or with --run a run whose lambda is to "
        "be chosen");
}

void TuneOptions::check_search() const {
  for (const char* name : {"run", "preset", "refit", "max-steps", "checkpoint", "stage"})
    if (options_.given(name))
      throw InputError(fmt::format(
          "--{} says nothing about a search with --budget and --output; leave it out", name));
  if (output_.empty()) throw InputError("--output is missing: name a folder for the search");
  if (!(budget_ > 0.0))
    throw InputError("--budget is missing: give the minutes that the search may take, above 0");
  validate(run_);
  if (options_.given("model") && run_.train.model != ModelKind::kFactored)
    throw InputError(fmt::format("--model {}: the search is over the factored model; leave it out",
                                 name_of(run_.train.model)));
  const std::vector<Candidate> all = tune_candidates(options_, {1, !run_.data.no_dislikes, true});
  std::vector<std::string> one = merged_options(
      common_options(options_, {1, !run_.data.no_dislikes, true}), all.front().options);
  one.push_back(fmt::format("--epochs={}", kLastEpochs));
  one.push_back("--run=" + output_);
  check_train_options(one);
}

StoredModel TuneOptions::stored() const {
  const std::int32_t threads = options_.given("threads") ? run_.train.threads : 0;
  return {run_.train.run, checkpoint_, run_.data.data, threads, run_.train.isa};
}

std::string TuneOptions::config_text() const {
  Settings settings;
  for (const std::string& name : options_.names())
    if (options_.given(name) && std::ranges::find(kOfAnyStart, name) == kOfAnyStart.end() &&
        options_.on_resume(name) != OnResume::kFree)
      settings.add(name, passed_on(name, options_.value_of(name)));
  return settings.print();
}

double relative_cost(const std::vector<std::string>& options) {
  constexpr double kOfLayer = 0.25;  // of the products of a step
  const TrainConfig middle = [] {
    TrainConfig config;
    apply_best(config);
    return config;
  }();
  const auto cost = [&](double dimension, double layers) {
    return dimension * (1.0 + kOfLayer * layers);
  };
  const auto dimension = static_cast<double>(middle.dimension);
  const auto layers = static_cast<double>(middle.layers);
  return cost(value_in(options, "dim", dimension), value_in(options, "layers", layers)) /
         cost(dimension, layers);
}

std::vector<Candidate> tune_candidates(const OptionParser& options, const SearchedData& data) {
  std::vector<Candidate> all = best_candidates(options, data);
  std::vector<Candidate> grid = {{}};
  for (const Axis& axis : kGrid) {
    if (options.given(axis.name)) continue;
    const bool of_dislikes = std::string_view(axis.name).starts_with("dislike");
    if (of_dislikes && !data.has_dislikes) continue;
    std::vector<Candidate> finer;
    for (const Candidate& candidate : grid)
      for (std::size_t i = 0; i < axis.count; ++i) {
        Candidate next = candidate;
        next.vary(axis.name, axis.letter, axis.values[i]);
        finer.push_back(std::move(next));
      }
    grid = std::move(finer);
  }
  std::ranges::stable_sort(grid, {}, [](const Candidate& candidate) {
    return XXH3_64bits(candidate.name.data(), candidate.name.size());
  });
  const std::vector<std::string> common = common_options(options, data);
  std::set<std::vector<std::string>> known;  // settings, whatever they are called
  const auto is_new = [&](const Candidate& candidate) {
    std::vector<std::string> setting = merged_options(common, candidate.options);
    std::ranges::sort(setting);
    return known.insert(std::move(setting)).second;
  };
  std::erase_if(all, [&](const Candidate& candidate) { return !is_new(candidate); });
  for (Candidate& candidate : grid)
    if (is_new(candidate)) all.push_back(std::move(candidate));
  return all;
}

std::vector<Rung> halving(std::size_t candidates, std::int32_t first, std::int32_t last) {
  std::vector<Rung> rungs;
  for (std::int32_t epochs = first;; epochs *= static_cast<std::int32_t>(kShareKept)) {
    const bool ends = candidates == 1 || epochs >= last;
    if (ends) {
      rungs.push_back({last, 1});
      return rungs;
    }
    candidates = (candidates + kShareKept - 1) / kShareKept;
    rungs.push_back({epochs, candidates});
  }
}

std::size_t affordable(const std::vector<Candidate>& candidates, double seconds, double budget,
                       std::int32_t groups, std::int32_t last) {
  const std::int32_t first = std::min(kFirstEpochs, last);
  double cost = 0.0;  // of a rung, in that of the first candidate alone
  std::size_t number = 0;
  for (const Candidate& candidate : candidates) {
    cost += relative_cost(candidate.options);
    const double rungs = static_cast<double>(halving(number + 1, first, last).size());
    if (number > 0 && cost * rungs * seconds > budget * groups) break;
    ++number;
  }
  return number;
}

TuneSearch::TuneSearch(const Communicator& comm, const TuneOptions& options)
    : comm_(comm), options_(options) {}

std::int32_t TuneSearch::last_epochs() const {
  return options_.options().given("epochs") ? options_.run().train.epochs : kLastEpochs;
}

std::int32_t TuneSearch::first_epochs() const {
  return std::min(kFirstEpochs, last_epochs());
}

void TuneSearch::open() {
  agree_on_input(comm_, [&] {
    data_ = searched_data(options_.run().data);
    check_searchable(options_.options(), options_.run(), data_, first_epochs());
    if (!comm_.is_root()) return;
    constexpr std::array kFiles = {OutputName{"tune.ini", FileKind::kConfig},
                                   OutputName{"config.ini", FileKind::kConfig},
                                   OutputName{"results.csv", FileKind::kResultsCsv},
                                   OutputName{"results.json", FileKind::kResultsJson}};
    guard_output_folder(options_.output(), kFiles);
    std::error_code error;
    fs::create_directories(options_.output() + "/runs", error);
    if (error)
      throw InputError(fmt::format("--output {}: cannot make the folder ({})", options_.output(),
                                   error.message()));
    lock_ = std::make_unique<RunLock>(options_.output(), "--output " + options_.output(),
                                      RunLock::Rules{options_.run().train.hang_timeout});
    if (!lock_->taken_over().empty()) spdlog::warn("{}", lock_->taken_over());
  });
}

/// Of candidates, where the search was begun before; 0 otherwise. InputError if that was another.
std::size_t TuneSearch::stored_number() const {
  constexpr std::int64_t kMostBytes = std::int64_t{1} << 24;
  const std::string path = options_.output() + "/tune.ini";
  std::error_code error;
  if (!fs::exists(path, error)) return 0;
  const std::string text = read_small_file(path, kMostBytes);
  const std::size_t number = number_in(text);
  if (text != request_text(options_, number))
    throw InputError(
        fmt::format("--output {}: its search is of other options or ratings (tune.ini says which); "
                    "give the same ones, or choose another folder",
                    options_.output()));
  return number;
}

void TuneSearch::store(std::size_t number) const {
  write_text_file(options_.output() + "/tune.ini", request_text(options_, number));
}

/// Trains the first candidate by the first rung and leaves in `plan` those that the budget pays.
/// False if it was interrupted.
bool TuneSearch::measure(SearchPlan& plan, RunGroups& groups) {
  std::size_t number = 0;
  agree_on_input(comm_, [&] {
    if (comm_.is_root()) number = stored_number();
  });
  auto known = static_cast<std::int64_t>(number);
  comm_.broadcast(std::span(&known, 1));
  if (known == 0) {
    agree_on_input(comm_, [&] {
      if (comm_.is_root()) store(0);  // what it is a search of, before anything is trained
    });
    SearchPlan first = plan;
    first.candidates.resize(1);
    first.rungs = {{first_epochs(), 1}};
    const Stopwatch watch;
    const std::optional<SearchResult> result = search_models(comm_, groups, first, lock_.get());
    if (!result) return false;
    const double waited = watch.seconds();
    agree_on_input(comm_, [&] {
      if (!comm_.is_root()) return;
      const std::vector<double>& epochs = result->records.front().seconds;
      const double trained = std::accumulate(epochs.begin(), epochs.end(), 0.0);
      const double seconds = std::max(trained, waited);  // it may have been trained before
      known = static_cast<std::int64_t>(affordable(plan.candidates, seconds,
                                                   options_.budget() * kSecondsPerMinute,
                                                   options_.groups(), last_epochs()));
      store(static_cast<std::size_t>(known));
    });
    comm_.broadcast(std::span(&known, 1));
  }
  plan.candidates.resize(std::min(plan.candidates.size(), static_cast<std::size_t>(known)));
  return true;
}

void TuneSearch::conclude(const SearchPlan& plan, const SearchResult& result) const {
  lock_->check();
  write_text_file(options_.output() + "/results.csv", search_csv(plan, result));
  write_text_file(options_.output() + "/results.json", search_json(plan, result));
  const std::string config = options_.output() + "/config.ini";
  write_text_file(config, settings_of(refit_options(plan, result)).print());
  print_lines(format_search(plan, result));
  spdlog::info("train it on all of train with: siren train --config {} --run DIR",
               shell_quoted(config));
}

ExitCode TuneSearch::run() {
  open();
  SearchPlan plan;
  plan.folder = options_.output() + "/runs";
  plan.options = common_options(options_.options(), data_);
  plan.resumed = resumed_options(options_.options());
  plan.candidates = tune_candidates(options_.options(), data_);
  plan.polarity_rate = polarity_rate(options_.options(), options_.run(), data_, last_epochs());
  plan.patience = patience_of(options_.options(), options_.run());
  RunGroups groups(comm_, options_.groups(), options_.run().train.time_limit);
  std::optional<SearchResult> result;
  if (measure(plan, groups)) {
    plan.rungs = halving(plan.candidates.size(), first_epochs(), last_epochs());
    spdlog::info("{} candidates, {} at a time on {} rank(s) each, {} rungs", plan.candidates.size(),
                 options_.groups(), groups.ranks_per_group(), plan.rungs.size());
    result = search_models(comm_, groups, plan, lock_.get());
  }
  if (!result) {
    spdlog::warn("the search was stopped; the same command goes on with it");
    return ExitCode::kInterrupted;
  }
  agree_on_input(comm_, [&] {
    if (comm_.is_root()) conclude(plan, *result);
  });
  return ExitCode::kDone;
}

}  // namespace siren::inline app
