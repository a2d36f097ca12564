// SPDX-License-Identifier: Apache-2.0
#include "train/session.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <system_error>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/heartbeat.hpp"
#include "core/log.hpp"
#include "core/text.hpp"
#include "data/batch_schedule.hpp"
#include "distributed/liked_graph.hpp"
#include "io/block_hashes.hpp"
#include "ranking/ranked_lists.hpp"
#include "siren/check.hpp"
#include "siren/error.hpp"
#include "siren/version.hpp"
#include "train/model_state.hpp"
#include "train/polarity_trainer.hpp"
#include "train/step_loss.hpp"

namespace siren::inline train {

Isa agree_on_isa(const Communicator& comm, IsaChoice choice) {
  Isa mine = Isa::kPortable;
  agree_on_input(comm, [&] { mine = resolve(choice); });
  return static_cast<Isa>(comm.all_reduce(static_cast<std::int32_t>(mine), Reduction::kMin));
}

CheckpointOptions checkpoint_options(const TrainConfig& config) {
  const CheckpointOptions options{config.checkpoint_io, config.checkpoint_compression};
  validate(options);
  return options;
}

namespace {

void check_layer_weights(const TrainConfig& config) {
  const std::vector<double>& weights = config.layer_weights;
  if (weights.empty()) return;
  const int layers = model_spec(config).layers;
  const auto good = [](double one) { return std::isfinite(one) && one >= 0.0; };
  const auto counts = [](double one) { return one > 0.0; };
  if (std::ssize(weights) != layers + 1 || !std::ranges::all_of(weights, good) ||
      std::ranges::none_of(weights, counts))
    throw InputError(fmt::format("the layer weights {} are not {} numbers from 0 on, one above it",
                                 fmt::join(weights, ", "), layers + 1));
}

/// What no run is made of, however its configuration was made.
void check_config(const DataConfig& data, const TrainConfig& config) {
  if (config.model == ModelKind::kFactored && config.loss != LossKind::kSoftmax)
    throw InputError("a factored model learns by the loss softmax; see default_config()");
  if (config.epochs < 1) throw InputError(fmt::format("{} epochs are no run", config.epochs));
  if (data.no_dislikes && (config.dislike_weight > 0.0 || model_spec(config).edge_weight > 0.0))
    throw InputError("without dislikes they can have no weight in the loss or the graph");
  if (config.similarity == Similarity::kCosine && config.loss != LossKind::kSoftmax)
    throw InputError("cosines belong to the loss softmax");
  if (config.polarity_layers < 0)
    throw InputError(fmt::format("{} layers of polarity are none", config.polarity_layers));
  check_layer_weights(config);
}

/// What decides final rows with more columns than those of the embedding.
std::string settings_of_columns(const TrainConfig& config) {
  if (final_columns(config) == FinalColumns{}) return {};
  const ModelSpec spec = model_spec(config);
  std::string settings = fmt::format(" item-bias {} temperature {} polarity {}", spec.item_bias,
                                     config.temperature, spec.polarity);
  if (spec.polarity > 0 && config.polarity_layers > 0)
    settings += fmt::format(" polarity-layers {}", config.polarity_layers);
  return settings;
}

/// What decides the embedding beyond what every model has.
std::string settings_of_rows(const TrainConfig& config) {
  std::string settings;
  if (!config.layer_weights.empty())
    settings += fmt::format(" layer-weights {}", fmt::join(config.layer_weights, ","));
  if (config.similarity != Similarity::kDot)
    settings += fmt::format(" similarity {}", name_of(config.similarity));
  return settings;
}

}  // namespace

Session::Session(const Communicator& comm, const DataConfig& data, const TrainConfig& config,
                 const ListPlan* plan)
    : comm_(comm),
      config_(config),
      fold_(data.fold),
      node_(node_memory(comm)),
      isa_(agree_on_isa(comm, config.isa)) {
  const Activity activity("loading");
  agree_on_input(comm, [&] {
    std::error_code error;
    if (!std::filesystem::exists(data.data, error))
      throw InputError(
          fmt::format("the dataset file {} is not there; say where it is with --data", data.data));
    file_ = std::make_unique<DatasetFile>(data.data);
    if (comm.is_root()) file_->verify();
  });
  check_config(data, config);
  check_ranks();
  offset_ = data.offset.value_or(summary().offset);
  LoadOptions options;
  options.fold = data.fold;
  options.offset = offset_;
  options.relevant_from = data.relevant_from;
  options.dislikes = !data.no_dislikes;
  options.trainable = trainable_of(config);
  options.levels = model_spec(config).polarity > 0 && !data.no_dislikes;
  options.edge_weight = model_spec(config).edge_weight;
  options.partition = data.partition;
  travel_ = resolve(data.travel, summary().users, summary().items);
  options.travel = travel_;
  options.seed = config.seed;
  options.hold_out = data.hold_out;
  options.dimension = config.dimension;
  settings_ = fmt::format(
      "sums {} fold {} offset {} no-dislikes {} model {} dim {} layers {} mlp-layers {} "
      "no-attention {} norm {} storage {} average {}{}",
      kExactSums, fold_, offset_, data.no_dislikes, name_of(config.model), config.dimension,
      config.layers, config.mlp_layers, config.no_attention, name_of(config.norm),
      name_of(config.storage), config.average, settings_of_columns(config));
  settings_ += settings_of_rows(config);
  if (data.hold_out > 0.0)
    settings_ += fmt::format(" hold-out {} seed {}", data.hold_out, config.seed);
  if (options.edge_weight > 0.0) settings_ += fmt::format(" edge-weight {}", options.edge_weight);
  const std::optional<SomeUsers> some = plan != nullptr ? users_of(*plan) : std::nullopt;
  if (some) options.some = &*some;
  all_users_ = !some;
  data_ = std::make_unique<LoadedData>(load_data(comm, *file_, options));
  if (config_.lr_schedule != LrSchedule::kConstant && config_.lr_steps == 0)
    config_.lr_steps = planned_steps(config_, steps_in_epoch(comm, data_->train, config_));
  if (trains_polarity(config_, data_->train))
    config_.polarity_batches = polarity_batches(config_, data_->train.trainable_count(),
                                                steps_in_epoch(comm, data_->train, config_));
  for (std::int64_t row = 0; row < data_->layout.rows(); ++row)
    nodes_.push_back(data_->layout.node_of(static_cast<LocalRow>(row)));
  check_unchanged();
}

RowsOwner Session::owner_of(const std::string& checkpoint) const {
  return {checkpoint, summary().content_hash, summary().users, summary().items, settings_};
}

bool Session::find_final_rows(const std::string& checkpoint) {
  if (!looked_for_rows_) rows_ = FinalRows::find(comm_, owner_of(checkpoint));
  looked_for_rows_ = true;
  return rows_.has_value();
}

/// The users to load, if the final rows or exported embeddings are there. Reading ratings user by user does not pay for many.
std::optional<SomeUsers> Session::users_of(const ListPlan& plan) {
  constexpr std::int64_t kOneIn = 64;
  if (plan.embeddings != nullptr)
    agree_on_input(comm_, [&] { plan.embeddings->require_of(summary()); });
  else if (!find_final_rows(plan.checkpoint))
    return std::nullopt;
  if (!plan.users) return std::nullopt;
  std::vector<UserId> users = plan.users(*file_);
  if (std::ssize(users) * kOneIn > summary().users) return std::nullopt;
  ItemCounts counts;
  if (rows_) counts = rows_->counts(comm_);
  if (plan.embeddings != nullptr)
    agree_on_input(comm_, [&] { counts = plan.embeddings->counts(); });
  return SomeUsers{std::move(users), std::move(counts)};
}

const Adjacency& Session::graph() {
  SIREN_ASSERT(all_users_, "a graph of {} of {} ratings", data_->train.ratings.items.size(),
               summary().ratings);
  if (!graph_)
    graph_ =
        make_graph(comm_, data_->layout, data_->train, {travel_, model_spec(config_).edge_weight});
  return *graph_;
}

void Session::check_unchanged() const {
  agree_on_input(comm_, [&] { file_->check_unchanged(); });
}

void Session::check_ranks() const {
  const std::int64_t most = std::min(summary().users, summary().items);
  if (comm_.size() > most)
    throw InputError(
        fmt::format("{} ranks are too many for {} ({} users, {} items): start at most {}",
                    comm_.size(), file_->path(), summary().users, summary().items, most));
}

Training& Session::start_training() {
  return start_training(node_);
}

Training& Session::start_training(const NodeMemory& node) {
  check_memory(comm_, node, summary(), config_);
  agree_on_input(comm_, [&] { ids_.emplace(comm_, *file_); });
  check_unchanged();
  training_ = make_training({comm_, data_->layout, data_->train, graph()}, config_, isa_);
  return *training_;
}

CheckpointInfo Session::open_checkpoint(const std::string& path) const {
  CheckpointInfo info;
  agree_on_input(comm_, [&] { info = read_checkpoint_info(path); });
  if (info.dataset_hash != summary().content_hash)
    throw InputError(
        fmt::format("{} was trained on another data set than {} (content {} there, {} here)", path,
                    file_->path(), info.dataset_hash, summary().content_hash));
  return info;
}

RunProgress Session::resume(const std::string& checkpoint) {
  const CheckpointInfo info = open_checkpoint(checkpoint);
  std::vector<StateTensor> state = training_->state();
  read_checkpoint(comm_, checkpoint, table_rows(), state);
  training_->resume_at(info.step);
  return parse_progress(info.progress);
}

WarmStart Session::start_from(const std::string& checkpoint) {
  const WarmStart known = siren::start_from(comm_, checkpoint, *file_, data_->layout, *training_);
  check_unchanged();
  return known;
}

Embeddings Session::embed(const std::string& checkpoint, Branches branches) {
  const Activity activity("embedding");
  if (branches == Branches::kAll) return compute(checkpoint, branches);
  if (!find_final_rows(checkpoint)) return compute(checkpoint, branches);
  SIREN_ASSERT(rows_->checkpoint() == checkpoint, "rows of {} for {}", rows_->checkpoint(),
               checkpoint);
  spdlog::debug("embeddings of {}, from its final rows", checkpoint);
  Embeddings rows;
  rows.z = rows_->read(comm_, table_rows(), loaded().layout.users(), final_width(config_));
  rows.z.columns = final_columns(config_);
  return rows;
}

NodeTables Session::embed(const ListPlan& plan) {
  if (plan.embeddings == nullptr) return embed(plan.checkpoint, Branches::kBlended).z;
  const Activity activity("embedding");
  NodeTables z;
  agree_on_input(comm_, [&] {
    if (all_users_) plan.embeddings->require_counts_of(loaded().train);
    z = plan.embeddings->read(loaded().layout);
  });
  spdlog::debug("embeddings of {}", plan.embeddings->path());
  return z;
}

Embeddings Session::compute(const std::string& checkpoint, Branches branches) {
  verify_block_hashes(comm_, checkpoint);
  const CheckpointInfo info = open_checkpoint(checkpoint);
  spdlog::debug("embeddings of {}, step {}", checkpoint, info.step);
  ScoringModel model({comm_, data_->layout, data_->train, graph()}, config_, isa_);
  read_checkpoint(comm_, checkpoint, table_rows(),
                  model.parameters(evaluated_group(config_, info.step)));
  return model.embed(branches);
}

void Session::keep_final_rows(const std::string& checkpoint) {
  const Activity activity("final rows");
  training_.reset();
  const auto tell = [](const std::exception& error) {
    spdlog::warn("no final rows are kept, so lists will be computed from the checkpoint: {}",
                 error.what());
  };
  try {
    if (!FinalRows::find(comm_, owner_of(checkpoint))) {
      const Embeddings embeddings = compute(checkpoint, Branches::kBlended);
      write_final_rows(comm_, owner_of(checkpoint), table_rows(), embeddings.z,
                       {data_->train.item_degree, data_->train.item_likes});
    }
    if (comm_.is_root()) remove_other_final_rows(checkpoint);
  } catch (const InputError& error) {
    tell(error);
  } catch (const CommonEnvironmentError& error) {
    tell(error);
  }
}

void Session::load_parameters(const std::string& checkpoint) {
  verify_block_hashes(comm_, checkpoint);
  const CheckpointInfo info = open_checkpoint(checkpoint);
  std::vector<StateTensor> parameters;
  for (const StateTensor& tensor : training_->state())
    if (tensor.name.starts_with("parameters/") || tensor.name.starts_with("average/"))
      parameters.push_back(tensor);
  read_checkpoint(comm_, checkpoint, table_rows(), parameters);
  training_->resume_at(info.step);
}

std::string Session::original_id(NodeId node) const {
  const bool user = node < summary().users;
  const char* const kind = user ? "user" : "item";
  const std::int64_t number = user ? node : node - summary().users;
  try {
    file_->check_unchanged();
  } catch (const EnvironmentError&) {  // then the ids in it are not those of this run
    return fmt::format("{} number {}", kind, number);
  }
  return fmt::format(
      "{} '{}'", kind,
      (user ? file_->user_ids(number, number + 1) : file_->item_ids(number, number + 1))[0]);
}

const HeldOutRatings& Session::held_out(const std::string& split) const {
  return split == "valid" ? data_->valid : data_->test;
}

bool Session::has_split(const std::string& split) const {
  return comm_.all_reduce(std::ssize(held_out(split).items), Reduction::kSum) > 0;
}

void Session::require_test_pairs() const {
  if (fold_ == kWholeFold || has_split("test")) return;
  const std::int64_t ratings = summary().statistics.test_of(summary().split, fold_).total();
  if (ratings == 0) return;
  throw InputError(
      fmt::format("{}: all {} ratings of the test part are also in train, so nothing is left to "
                  "evaluate on; prepare it with another test part, or train on all with --fold 0",
                  file_->path(), grouped(ratings)));
}

std::string Session::default_split() const {
  for (const char* split : {"valid", "test"})
    if (has_split(split)) return split;
  return {};
}

std::string Session::why_not_evaluated(const std::string& split) const {
  if (fold_ == kWholeFold)
    return fmt::format(
        "--fold 0 trains on every rating of {}, so there is no {} part to evaluate on; name a fold "
        "from 1 for a model that can be evaluated",
        file_->path(), split);
  if (split == "test" && summary().split_method == name_of(SplitMethod::kNone))
    return fmt::format(
        "{} has no test part to evaluate on: it was prepared with --split none, for a final model; "
        "prepare it with another split{}",
        file_->path(), has_split("valid") ? ", or choose --split valid" : "");
  return fmt::format(
      "{} has no {} ratings to evaluate on; prepare it with another split or choose the other",
      file_->path(), split == "valid" ? "validation" : "test");
}

std::unique_ptr<Evaluator> Session::make_evaluator(const std::string& split, Mask mask,
                                                   std::int64_t users) const {
  if (split != "valid" && split != "test")
    throw InputError(fmt::format("split {}: unknown; use valid or test", split));
  if (split == "valid" && mask == Mask::kTrainAndValid)
    throw InputError(
        "--mask train+valid hides what --split valid is evaluated on; evaluate the test part or "
        "mask "
        "train only");
  if (!has_split(split)) throw InputError(why_not_evaluated(split));
  if (mask == Mask::kTrainAndValid && !has_split("valid"))
    throw InputError(
        fmt::format("--mask train+valid: {} has no validation ratings to mask", file_->path()));
  EvaluationOptions options;
  options.split = split;
  options.candidates = config_.candidates;
  options.isa = isa_;
  options.mask = mask;
  options.overlap = config_.pair_overlap;
  options.users = users;
  options.seed = config_.seed;
  return std::make_unique<Evaluator>(comm_, data_->layout, data_->train, held_out(split), options,
                                     data_->valid);
}

EvaluationReport Session::evaluate_popularity(Evaluator& evaluator) const {
  const NodeTables tables = popularity_tables(data_->layout, data_->train);
  return evaluator.evaluate({tables.users, tables.items});
}

WrittenFile Session::save(const std::string& path, const std::string& config_text,
                          const std::string& progress) {
  CheckpointInfo info;
  info.step = training_->steps_done();
  info.epoch = (info.step + training_->steps_per_epoch() - 1) / training_->steps_per_epoch();
  info.users = summary().users;
  info.items = summary().items;
  info.storage = name_of(config_.storage);
  info.config = config_text;
  info.progress = progress;
  info.dataset_hash = summary().content_hash;
  info.program_version = kVersion;
  const std::vector<StateTensor> state = training_->state();
  return write_checkpoint(comm_, path, {info, table_rows(), state, &*ids_},
                          checkpoint_options(config_));
}

}  // namespace siren::inline train
