// SPDX-License-Identifier: Apache-2.0
#include "app/best_search.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <span>
#include <sstream>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "app/run_options.hpp"
#include "app/stored_model.hpp"
#include "core/log.hpp"
#include "core/terminal.hpp"
#include "core/text.hpp"
#include "data/dataset_file.hpp"
#include "io/atomic_file.hpp"
#include "siren/error.hpp"
#include "train/deadline.hpp"
#include "train/node_memory.hpp"

namespace siren::inline app {

namespace fs = std::filesystem;

namespace {

// The recipe; what is not named here are the defaults of the factored model (siren/config.hpp).
constexpr std::int64_t kDimension = 128;
constexpr double kTemperature = 1.0;
constexpr double kRate = 0.02;
constexpr std::int32_t kEpochs = 60;
constexpr std::int32_t kEvalEvery = 2;
constexpr std::int32_t kPatience = 4;
/// Of the polarity branch, an epoch: it is at its end long before the engagement, so that epochs are
/// compared by that.
constexpr double kPolarityPasses = 3.75;
constexpr std::int64_t kStepsPerEpoch = 12;
constexpr std::int64_t kLeastUsers = 32;  // a batch
constexpr double kHoldOut = 0.1;

/// kappa and eta.
constexpr std::array kWeights = {std::pair(1.0, 0.0), std::pair(0.5, 0.4), std::pair(0.0, 0.0),
                                 std::pair(1.0, 1.0)};
constexpr std::array kLayersTried = {1, 2};
constexpr std::array kRegs = {0.02, 0.05, 0.008, 0.15};
constexpr double kMostReg = 0.5;  // tried where the largest of them is the best
constexpr std::int32_t kFirstEpochs = 8;
constexpr std::size_t kSettingsKept = 2;
constexpr std::array kRungs = {Rung{kFirstEpochs, 4}, Rung{20, 2}, Rung{kEpochs, 1}};

/// Of the whole command, or given to each run by its place in the search.
constexpr std::array<std::string_view, 14> kNotPassedOn = {
    "run",    "resume", "preset", "refit", "max-steps",  "epochs", "time-limit",
    "budget", "output", "groups", "keep",  "checkpoint", "stage",  "polarity-epochs"};

/// Of a request, what differs from the stored one though it must not.
void check_same_request(const OptionParser& options, const std::string& request) {
  RunConfig config;
  OptionParser stored("train", "", "");
  declare_run_options(stored, config);
  stored.parse(std::vector<std::string>{"--config", request});
  apply_preset(stored, config);
  stored.apply();
  for (const std::string& name : options.given_names()) {
    if (!stored.has(name) || options.on_resume(name) == OnResume::kFree || name == "data") continue;
    if (options.value_of(name) == stored.value_of(name)) continue;
    throw InputError(fmt::format(
        "--{} {} contradicts {}, whose {} is {}; leave it out, or start a new run in another "
        "directory",
        name, options.value_of(name), request, name,
        stored.given(name) ? stored.value_of(name) : "not set"));
  }
}

/// That candidate again with more columns.
void add_wider(std::vector<Candidate>& candidates, std::size_t candidate,
               const std::vector<int>& dimensions) {
  for (const int dimension : dimensions) {
    Candidate wider = candidates[candidate];
    wider.vary("dim", "dim", dimension);
    candidates.push_back(std::move(wider));
  }
}

/// Puts candidates of the first comparison that are not among `candidates` behind them, and their
/// records at the end of the result.
void add_dropped(const std::vector<Candidate>& compared, const SearchResult& comparison,
                 std::vector<Candidate>& candidates, SearchResult& result) {
  for (const std::size_t i : comparison.order) {
    if (std::ranges::find(candidates, compared[i].name, &Candidate::name) != candidates.end())
      continue;
    result.order.push_back(candidates.size());
    result.records.push_back(comparison.records[i]);
    candidates.push_back(compared[i]);
  }
}

std::string request_path(const RunDirectory& run) {
  return run.stages_path() + "/request.ini";
}

/// What was given, as --config reads it.
std::string request_text(const OptionParser& options) {
  constexpr std::array<std::string_view, 3> kOfThisStart = {"run", "resume", "time-limit"};
  Settings settings;
  for (const std::string& name : options.names()) {
    if (is_one_of(name, kOfThisStart) || !(options.given(name) || name == "refit")) continue;
    const std::string value = passed_on(name, options.value_of(name));
    if (!value.empty()) settings.add(name, value);
  }
  return settings.print();
}

}  // namespace

void check_searchable(const OptionParser& options, const RunConfig& config,
                      const SearchedData& data, std::int32_t first_epochs) {
  const auto refuse = [&](const char* name, const char* why) {
    throw InputError(fmt::format("--{} {}: {}; leave it out", name, options.value_of(name), why));
  };
  if (options.given("hold-out") && data.has_validation)
    refuse("hold-out", "the data set has a validation part, by which candidates are compared");
  if (options.given("hold-out") && config.data.hold_out == 0.0)
    refuse("hold-out", "candidates are compared by what is held out");
  if (!config.train.layer_weights.empty() && !options.given("layers"))
    throw InputError(
        fmt::format("--layer-weights {}: how many layers there are is searched; give --layers, too",
                    options.value_of("layer-weights")));
  if (config.train.eval_split == HeldOutPart::kTest)
    refuse("eval-split", "candidates are compared by validation ratings alone");
  if (options.given("eval-every") &&
      (config.train.eval_every == 0 || config.train.eval_every > first_epochs))
    refuse("eval-every", "candidates are compared by evaluations within their first epochs");
  if (config.train.lr_schedule != LrSchedule::kConstant && config.train.lr_steps == 0 &&
      !options.given("epochs"))
    refuse("lr-schedule",
           "candidates end after different numbers of epochs, so give --lr-steps, too");
}

void apply_best(TrainConfig& config) {
  config.dimension = kDimension;
  config.layers = kLayersTried.back();
  config.temperature = kTemperature;
  config.learning_rate = kRate;
  config.dislike_edge_weight = kWeights.front().first;
  config.dislike_weight = kWeights.front().second;
  config.reg = kRegs.front();
  config.epochs = kEpochs;
  config.polarity_epochs = static_cast<std::int32_t>(kPolarityPasses * kEpochs);
}

SearchedData searched_data(const DataConfig& config) {
  const DatasetFile file(config.data);
  const DatasetSummary& summary = file.summary();
  const SplitScheme& split = summary.split;
  const DatasetStatistics& statistics = summary.statistics;
  SearchedData data;
  data.users = summary.users;
  data.has_dislikes =
      !config.no_dislikes && statistics.min_value < config.offset.value_or(summary.offset);
  data.has_validation =
      config.fold != kWholeFold &&
      (split.kind == SplitKind::kFolds ? split.valid_share > 0.0
                                       : statistics.by_part[kValidPart].total() > 0);
  return data;
}

std::vector<std::string> resumed_options(const OptionParser& options) {
  std::vector<std::string> result;
  for (const std::string& name : options.given_names())
    if (name == "data" ||
        (!is_one_of(name, kNotPassedOn) && options.on_resume(name) == OnResume::kFree))
      result.push_back(fmt::format("--{}={}", name, passed_on(name, *options.text_of(name))));
  return result;
}

std::vector<std::string> common_options(const OptionParser& options, const SearchedData& data) {
  std::vector<std::string> result;
  for (const std::string& name : options.given_names())
    if (!is_one_of(name, kNotPassedOn))
      result.push_back(fmt::format("--{}={}", name, passed_on(name, *options.text_of(name))));
  const auto unless_given = [&](const char* name, const std::string& value) {
    if (!options.given(name)) result.push_back(fmt::format("--{}={}", name, value));
  };
  unless_given("model", "factored");
  unless_given("dim", fmt::format("{}", kDimension));
  unless_given("temperature", fmt::format("{}", kTemperature));
  unless_given("lr", fmt::format("{}", kRate));
  unless_given(
      "batch-users",
      fmt::format("{}", std::max(kLeastUsers, (data.users + kStepsPerEpoch - 1) / kStepsPerEpoch)));
  unless_given("eval-every", options.given("epochs") ? *options.text_of("epochs")
                                                     : fmt::format("{}", kEvalEvery));
  if (!options.given("epochs")) unless_given("patience", fmt::format("{}", kPatience));
  if (!data.has_validation) unless_given("hold-out", fmt::format("{}", kHoldOut));
  result.emplace_back("--keep=1");
  return result;
}

std::int32_t patience_of(const OptionParser& options, const RunConfig& config) {
  if (options.given("patience")) return config.train.patience;
  return options.given("epochs") ? 0 : kPatience;
}

std::optional<double> polarity_rate(const OptionParser& options, const RunConfig& config,
                                    const SearchedData& data, std::int32_t epochs) {
  if (!data.has_dislikes || options.given("polarity-batches")) return std::nullopt;
  if (!options.given("polarity-epochs")) return kPolarityPasses;
  return static_cast<double>(config.train.polarity_epochs) / epochs;
}

std::vector<SearchedSetting> searched_settings(const OptionParser& options,
                                               const SearchedData& data) {
  std::vector<SearchedSetting> all;
  for (const auto& [kappa, eta] : kWeights)
    for (const int layers : kLayersTried) {
      SearchedSetting setting{kappa, eta, layers};
      if (!data.has_dislikes || options.given("dislike-edge-weight")) setting.kappa = 0.0;
      if (!data.has_dislikes || options.given("dislike-weight")) setting.eta = 0.0;
      if (options.given("layers")) setting.layers = kLayersTried.front();
      if (std::ranges::find(all, setting) == all.end()) all.push_back(setting);
    }
  return all;
}

std::vector<Candidate> candidates_of(const OptionParser& options, const SearchedData& data,
                                     const std::vector<SearchedSetting>& settings,
                                     const std::vector<double>& regs) {
  std::vector<Candidate> candidates;
  const auto add = [&](const SearchedSetting& setting, double reg) {
    Candidate candidate;
    const auto vary = [&](const char* option, const char* letter, double value) {
      if (!options.given(option)) candidate.vary(option, letter, value);
    };
    vary("layers", "layers", setting.layers);
    if (data.has_dislikes) {
      vary("dislike-edge-weight", "kappa", setting.kappa);
      vary("dislike-weight", "eta", setting.eta);
    }
    vary("reg", "reg", reg);
    if (candidate.name.empty()) candidate.name = "as-given";
    if (std::ranges::find(candidates, candidate.name, &Candidate::name) == candidates.end())
      candidates.push_back(std::move(candidate));
  };
  for (const double reg : regs)
    for (const SearchedSetting& setting : settings) add(setting, reg);
  return candidates;
}

std::vector<Candidate> best_candidates(const OptionParser& options, const SearchedData& data) {
  std::vector<double> regs(kRegs.begin(), kRegs.end());
  regs.push_back(kMostReg);
  return candidates_of(options, data, searched_settings(options, data), regs);
}

std::vector<std::string> refit_options(const SearchPlan& plan, const SearchResult& result) {
  const Candidate& chosen = plan.candidates[result.chosen()];
  const CandidateRecord& record = result.records[result.chosen()];
  const std::string directory = fmt::format("{}/{}", plan.folder, chosen.name);
  constexpr std::array<std::string_view, 7> kOfTheSearch = {
      "hold-out", "epochs", "eval-every", "eval-split", "patience", "keep", "choose"};
  std::vector<std::string> args;
  for (const std::string& option : merged_options(plan.options, chosen.options))
    if (!is_one_of(name_of_option(option), kOfTheSearch)) args.push_back(option);
  args.push_back(fmt::format("--epochs={}", record.best_epoch));
  const TrainConfig config = stored_config(directory).train;
  if (config.polarity_epochs > 0)
    args.push_back(fmt::format("--polarity-batches={}", config.polarity_batches));
  if (record.choice) args.push_back(fmt::format("--choose=lambda:{}", record.choice->lambda));
  return args;
}

std::vector<std::string> with_request(std::span<const std::string> args,
                                      const std::string& request) {
  std::vector<std::string> all(args.begin(), args.end());
  for (const std::string& arg : all)
    if (arg == "--config" || arg.starts_with("--config="))
      throw InputError(
          fmt::format("--config: a search goes on by its own {}; leave it out", request));
  all.push_back("--config=" + request);
  return all;
}

std::vector<std::string> without_repeated(const OptionParser& options, const std::string& run) {
  RunConfig config;
  OptionParser stored("train", "", "");
  declare_run_options(stored, config);
  stored.parse(std::vector<std::string>{"--config", request_path(RunDirectory(run))});
  std::vector<std::string> args;
  for (const std::string& name : options.given_names())
    if (options.on_resume(name) == OnResume::kFree || stored.text_of(name) != options.text_of(name))
      args.push_back(fmt::format("--{}={}", name, *options.text_of(name)));
  return args;
}

bool was_searched(const std::string& run) {
  std::error_code error;
  return fs::exists(request_path(RunDirectory(run)), error);
}

std::string search_under_way(const std::string& run) {
  const RunDirectory directory(run);
  std::error_code error;
  if (fs::exists(directory.config_path(), error)) return {};
  const std::string request = request_path(directory);
  return fs::exists(request, error) ? request : std::string();
}

BestSearch::BestSearch(const Communicator& comm, const OptionParser& options,
                       const RunConfig& config, bool resumed)
    : comm_(comm),
      options_(options),
      config_(config),
      resumed_(resumed),
      directory_(config.train.run) {
  open();
}

std::int32_t BestSearch::first_epochs() const {
  return options_.given("epochs") ? config_.train.epochs : kFirstEpochs;
}

bool BestSearch::refits() const {
  return !data_.has_validation && config_.refit == OnOff::kOn;
}

void BestSearch::open() {
  agree_on_input(comm_, [&] {
    data_ = searched_data(config_.data);
    check_searchable(options_, config_, data_, first_epochs());
    if (!comm_.is_root()) return;
    const std::string request = request_path(directory_);
    std::error_code error;
    if (config_.train.max_steps && !refits())
      throw InputError(
          "--max-steps counts the steps of the training behind the search, and there is none with "
          "a "
          "validation part or --refit off; leave it out");
    if (resumed_)
      check_same_request(options_, request);
    else
      directory_.check_free();
    if (!resumed_ && fs::exists(request, error))
      throw InputError(
          fmt::format("--run {}: a search is there already; choose another directory, or --resume "
                      "to continue it",
                      directory_.path()));
    fs::create_directories(directory_.stages_path(), error);
    if (error)
      throw InputError(fmt::format("--run {}: cannot make the directory ({})", directory_.path(),
                                   error.message()));
    lock_ = std::make_unique<RunLock>(directory_.stages_path(), "--run " + directory_.path(),
                                      RunLock::Rules{config_.train.hang_timeout});
    if (!lock_->taken_over().empty()) spdlog::warn("{}", lock_->taken_over());
    if (!resumed_) write_text_file(request, request_text(options_));
  });
}

std::optional<std::vector<std::string>> BestSearch::run() {
  SearchPlan plan;
  plan.folder = directory_.stages_path();
  plan.options = common_options(options_, data_);
  plan.resumed = resumed_options(options_);
  plan.patience = patience_of(options_, config_);
  plan.polarity_rate = polarity_rate(options_, config_, data_,
                                     options_.given("epochs") ? config_.train.epochs : kEpochs);
  spdlog::info("candidates are compared on {}",
               data_.has_validation
                   ? std::string("the validation part")
                   : fmt::format("{} of train, held out by a keyed draw",
                                 options_.given("hold-out") ? config_.data.hold_out : kHoldOut));
  RunGroups groups(comm_, 1, config_.train.time_limit);
  const std::optional<SearchResult> result = search(groups, plan);
  if (!result) {
    spdlog::warn("stopped in the search; continue with: siren train --run {} --resume",
                 shell_quoted(directory_.path()));
    return std::nullopt;
  }
  agree_on_input(comm_, [&] {
    if (comm_.is_root()) keep_results(plan, *result);
  });
  if (comm_.is_root()) print_lines(format_search(plan, *result));
  return final_options(plan, *result);
}

/// First the settings, with the middle of the ladder, then the ladder with the better ones, then the
/// best of these with more columns. `plan` gets all candidates.
std::optional<SearchResult> BestSearch::search(RunGroups& groups, SearchPlan& plan) const {
  const Rung first{first_epochs(), kSettingsKept};
  const auto try_all = [&](SearchPlan& tried, std::vector<Rung> rungs) {
    tried.rungs = std::move(rungs);
    return search_models(comm_, groups, tried, lock_.get());
  };
  const std::vector<SearchedSetting> settings = searched_settings(options_, data_);
  plan.candidates = candidates_of(options_, data_, settings, {kRegs.front()});
  const std::optional<SearchResult> broad = try_all(plan, {first});
  if (!broad) return std::nullopt;
  std::vector<SearchedSetting> kept;
  for (const std::size_t i : broad->order)
    if (kept.size() < kSettingsKept) kept.push_back(settings[i]);

  SearchPlan ladder = plan;
  std::vector<double> regs(kRegs.begin(), kRegs.end());
  ladder.candidates = candidates_of(options_, data_, kept, regs);
  std::optional<SearchResult> rough = try_all(ladder, {first});
  if (!rough) return std::nullopt;
  const std::string largest = fmt::format("--reg={}", std::ranges::max(regs));
  if (std::ranges::count(ladder.candidates[rough->chosen()].options, largest) > 0) {
    regs.push_back(kMostReg);
    ladder.candidates = candidates_of(options_, data_, kept, regs);
    rough = try_all(ladder, {first});
    if (!rough) return std::nullopt;
  }
  add_wider(ladder.candidates, rough->chosen(), wider_dimensions());
  std::optional<SearchResult> result =
      try_all(ladder, options_.given("epochs") ? std::vector{first}
                                               : std::vector(kRungs.begin(), kRungs.end()));
  if (result) add_dropped(plan.candidates, *broad, ladder.candidates, *result);
  plan = std::move(ladder);
  return result;
}

/// Collective. Those whose tables leave half of every node's memory to edges and ratings.
std::vector<int> BestSearch::wider_dimensions() const {
  std::vector<int> dimensions;
  if (options_.given("dim")) return dimensions;
  const NodeMemory node = node_memory(comm_);
  DatasetSummary data;
  agree_on_input(comm_, [&] { data = DatasetFile(config_.data.data).summary(); });
  for (const int dimension : kWiderDimensions) {
    TrainConfig wide = config_.train;
    wide.dimension = dimension;
    if (has_memory(comm_, node, data, wide, 2))
      dimensions.push_back(dimension);
    else if (comm_.is_root())
      spdlog::info("{} columns are not tried: their tables would take more than half of the memory",
                   dimension);
  }
  return dimensions;
}

/// Of --time-limit, as it is written.
std::string BestSearch::time_left() const {
  constexpr std::int64_t kSecondsPerMinute = 60;
  const double left = parse_time_limit(config_.train.time_limit) - watch_.seconds();
  const auto seconds = static_cast<std::int64_t>(std::max(left, 1.0));
  return fmt::format("{}:{:02}", seconds / kSecondsPerMinute, seconds % kSecondsPerMinute);
}

void BestSearch::keep_results(const SearchPlan& plan, const SearchResult& result) const {
  write_text_file(plan.folder + "/results.csv", search_csv(plan, result));
  write_text_file(plan.folder + "/results.json", search_json(plan, result));
  directory_.set_chosen_stage(plan.candidates[result.chosen()].name);
  for (const std::size_t i : result.order) {
    const RunDirectory stage(fmt::format("{}/{}", plan.folder, plan.candidates[i].name));
    if (i == result.chosen()) {
      if (const auto best = stage.best(); best && refits()) {
        stage.set_latest(*best);
        stage.remove_old_checkpoints(0);
      }
      continue;
    }
    std::error_code error;  // what stays is in nobody's way
    fs::remove_all(stage.checkpoints_path(), error);
  }
}

/// The chosen candidate becomes the run. Done again after any interruption: config.ini, by which a
/// run is known, moves last.
void BestSearch::adopt(const std::string& stage) const {
  for (const char* part :
       {"checkpoints", "metrics.jsonl", "log.txt", "report.html", "config.ini"}) {
    const std::string from = fmt::format("{}/{}", stage, part);
    const std::string to = fmt::format("{}/{}", directory_.path(), part);
    std::error_code error;
    if (!fs::exists(from, error)) continue;
    fs::rename(from, to, error);
    if (error)
      throw EnvironmentError(fmt::format("renaming {} to {}: {}", from, to, error.message()));
  }
}

std::vector<std::string> BestSearch::final_options(const SearchPlan& plan,
                                                   const SearchResult& result) const {
  std::string lines;
  agree_on_input(comm_, [&] {
    if (!comm_.is_root()) return;
    const std::string stage =
        fmt::format("{}/{}", plan.folder, plan.candidates[result.chosen()].name);
    std::vector<std::string> args = plan.resumed;
    if (refits()) {
      args = refit_options(plan, result);
      args.emplace_back("--stage=final");
      if (config_.train.max_steps)
        args.push_back(fmt::format("--max-steps={}", *config_.train.max_steps));
    } else {
      adopt(stage);
      args.emplace_back("--resume");
      args.push_back(fmt::format("--epochs={}", config_.train.epochs));
    }
    args.push_back(fmt::format("--keep={}", config_.train.keep));
    args.push_back("--run=" + directory_.path());
    if (!config_.train.time_limit.empty()) args.push_back("--time-limit=" + time_left());
    lines = fmt::format("{}", fmt::join(args, "\n"));
  });
  comm_.broadcast(lines);
  std::vector<std::string> args;
  std::istringstream text(lines);
  for (std::string line; std::getline(text, line);) args.push_back(line);
  return args;
}

}  // namespace siren::inline app
