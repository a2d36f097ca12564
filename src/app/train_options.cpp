// SPDX-License-Identifier: Apache-2.0
#include "app/train_options.hpp"

#include <algorithm>
#include <array>
#include <sstream>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "app/best_search.hpp"
#include "app/common_options.hpp"
#include "data/negative_sampler.hpp"
#include "distributed/partition.hpp"
#include "distributed/propagation.hpp"
#include "ranking/ranking.hpp"
#include "siren/error.hpp"
#include "train/adam.hpp"
#include "train/deadline.hpp"
#include "train/lambda_choice.hpp"
#include "train/session.hpp"

namespace siren::inline app {

namespace {

constexpr std::int64_t kMaxBatch = std::int64_t{1} << 30;
const std::string kAllItems = "all";
const std::string kMean = "mean";  // of the layers

/// Options that say something about some models or losses only. Those of the disliked branch are
/// taken for lightgcn and mf, too, which are compared with siren by one command.
struct Applicability {
  const char* name;
  bool factored_only = false;
  bool softmax_only = false;
  bool bpr_only = false;
  bool siren_only = false;
  bool draws_only = false;  // negatives are drawn
  bool layers_only = false;
};
constexpr std::array kApplicability = std::to_array<Applicability>({
    {.name = "dislike-edge-weight", .factored_only = true},
    {.name = "polarity-dim", .factored_only = true},
    {.name = "polarity-layers", .factored_only = true},
    {.name = "polarity-reg", .factored_only = true},
    {.name = "polarity-batch", .factored_only = true},
    {.name = "polarity-epochs", .factored_only = true},
    {.name = "polarity-lr", .factored_only = true},
    {.name = "polarity-batches", .factored_only = true},
    {.name = "choose", .factored_only = true},
    {.name = "layer-weights", .layers_only = true},
    {.name = "temperature", .softmax_only = true},
    {.name = "similarity", .softmax_only = true},
    {.name = "batch-users", .softmax_only = true},
    {.name = "item-bias", .softmax_only = true},
    {.name = "shared-negatives", .softmax_only = true},
    {.name = "dislike-weight", .softmax_only = true},
    {.name = "batch", .bpr_only = true},
    {.name = "negatives", .bpr_only = true},
    {.name = "exponent", .draws_only = true},
    {.name = "dislike-factor", .bpr_only = true},
    {.name = "mlp-layers", .siren_only = true},
    {.name = "dropout", .siren_only = true},
    {.name = "no-attention", .siren_only = true},
});

/// "0,.5,.5" as numbers; none for the mean.
std::vector<double> parse_weights(const OptionText& option) {
  if (option.text == kMean) return {};
  std::vector<double> weights;
  std::istringstream text(option.text + ",");  // so that nothing behind a comma is a word, too
  for (std::string word; std::getline(text, word, ',');)
    weights.push_back(parse_number<double>(
        {word, fmt::format("{} {}: of its numbers", option.place, option.text)}, {0.0, 1000.0}));
  if (std::ranges::all_of(weights, [](double one) { return one == 0.0; }))
    throw InputError(fmt::format("{} {}: at least one must be above 0", option.place, option.text));
  return weights;
}

void declare_data(OptionParser& options, DataConfig& data) {
  options.section("Data");
  options.text("data", data.data, "FILE", "dataset file made by prepare")
      .on_resume(OnResume::kLength);
  options.number("fold", data.fold, {0}, "K",
                 "fold to test on, from 1 (0: none, every rating trains)");
  options.number("offset", data.offset, {}, "X",
                 "above is liked, below disliked (default: the data set's)");
  options.number("relevant-from", data.relevant_from, {}, "X",
                 "held-out ratings >= X are relevant (default: > offset)");
  options.number("hold-out", data.hold_out, {0.0, 0.9}, "X",
                 "share of train that validates, if the data set has no such part");
  options.flag("no-dislikes", data.no_dislikes, "disliked ratings train nothing");
  options.choice("partition", data.partition, "who owns which rows").on_resume(OnResume::kFree);
  options.choice("travel", data.travel, "whose rows cross ranks; cover: fewest")
      .on_resume(OnResume::kFree);
}

void declare_model(OptionParser& options, TrainConfig& train) {
  options.section("Model and loss");
  options.choice("model", train.model, "mf: lightgcn without layers");
  options.number("dim", train.dimension, {1, 4096}, "D", "columns of an embedding");
  options.number("layers", train.layers, {0, 64}, "L", "of the propagation");
  options.custom(
      "layer-weights",
      [&train](const OptionText& option) { train.layer_weights = parse_weights(option); },
      [&train] {
        return train.layer_weights.empty() ? kMean
                                           : fmt::format("{}", fmt::join(train.layer_weights, ","));
      },
      "mean|G0,..,GL", "how much each layer counts in the sum",
      "mean, or L + 1 numbers from 0 to 1000");
  options.number("mlp-layers", train.mlp_layers, {0, 64}, "N", "of the disliked branch");
  options.number("dropout", train.dropout, {0.0, 0.99}, "P", "of MLP and attention");
  options.flag("no-attention", train.no_attention, "both branches count one half");
  options.choice("norm", train.norm, "of the graph");
  options.number("dislike-edge-weight", train.dislike_edge_weight, {0.0, 1.0}, "X",
                 "factored: in the graph, of ratings that are no likes");
  options.choice("loss", train.loss, "softmax: users against all items");
  options.number("temperature", train.temperature, {1e-6, 1e6}, "T",
                 "softmax: scores are divided by it");
  options.choice("similarity", train.similarity, "softmax: cosine wants a small --temperature");
  options.number("batch-users", train.batch_users, {1, kMaxBatch}, "B",
                 "softmax: users per step, over all ranks");
  options.custom(
      "shared-negatives",
      [&train](const OptionText& option) {
        train.shared_negatives =
            option.text == kAllItems ? 0 : parse_number<std::int64_t>(option, {1, kMaxBatch});
      },
      [&train] {
        return train.shared_negatives == 0 ? kAllItems : fmt::format("{}", train.shared_negatives);
      },
      "all|S", "softmax: against all items, or S drawn for the step",
      "all, or a whole number from 1");
  options.choice("item-bias", train.item_bias, "softmax: each item has a score of its own");
  options.number("dislike-weight", train.dislike_weight, {0.0, 1.0}, "X",
                 "softmax: of ratings that are no likes");
  options.number("negatives", train.negatives, {1, kMaxNegatives}, "K", "sampled items per rating");
  options.number("exponent", train.exponent, {0.0, 10.0}, "A", "they are drawn by degree^A");
  options.number("dislike-pairs", train.dislike_pairs, {0, kMaxNegatives}, "M",
                 "of a liked rating's K: items that its user dislikes");
  options.number("dislike-factor", train.dislike_factor, {0.0, 1e6}, "C",
                 "of the score of a disliked item");
  options.number("reg", train.reg, {0.0, 1e6}, "X", "L2 on the rows of the batch");
}

/// Of factored: whether who engages with an item likes it.
void declare_polarity(OptionParser& options, TrainConfig& train) {
  options.section("Polarity branch (factored)");
  options.number("polarity-dim", train.polarity_dimension, {1, 4096}, "D", "columns of its rows");
  options.number("polarity-layers", train.polarity_layers, {0, 8}, "N",
                 "MLP layers over them, the last linear");
  options.number("polarity-reg", train.polarity_reg, {0.0, 1e6}, "X", "L2 on its rows, per rating");
  options.number("polarity-batch", train.polarity_batch, {1, kMaxBatch}, "B",
                 "ratings per batch, over all ranks");
  options.number("polarity-epochs", train.polarity_epochs, {0}, "N",
                 "passes over the ratings in a run (0: no such branch)");
  options.number("polarity-lr", train.polarity_rate, {0.0, 1e3}, "X", "learning rate of Adam");
  options.number("polarity-batches", train.polarity_batches, {0}, "N",
                 "in each step (0: as many as make those passes)");
}

void declare_batch(OptionParser& options, TrainConfig& train) {
  options.number("batch", train.batch, {1, kMaxBatch}, "B", "ratings per step, over all ranks");
  options.number("seed", train.seed, {}, "N", "of everything random");
}

void declare_training(OptionParser& options, TrainConfig& train) {
  options.section("Training");
  options.number("epochs", train.epochs, {1}, "N", "passes over the ratings")
      .on_resume(OnResume::kLength);
  options.number("max-steps", train.max_steps, {1}, "N", "stop after so many steps in all")
      .on_resume(OnResume::kLength);
  declare_batch(options, train);
  options.number("lr", train.learning_rate, {0.0, 1e3}, "X", "learning rate of Adam");
  options.choice("lr-schedule", train.lr_schedule, "cosine: it falls to zero");
  options.number("lr-steps", train.lr_steps, {0}, "N", "length of the cosine (0: of the run)");
  options.number("lr-warm-up", train.lr_warm_up, {0}, "N", "first the rate rises for N steps");
  options.number("average", train.average, {0.0, 0.999999}, "X",
                 "evaluate a running mean of the model that forgets 1-X a step");
  options.text("init-from", train.init_from, "CHECKPOINT",
               "begin with its rows for the users and items it knows");
  options
      .number("eval-every", train.eval_every, {0}, "N",
              "epochs between evaluations (0: only at the end)")
      .on_resume(OnResume::kLength);
  options.choice("eval-split", train.eval_split, "to evaluate on during training (default: valid)");
  options.number("eval-users", train.eval_users, {0}, "N",
                 "evaluate N drawn users while training and for lambda (0: all)");
  options
      .number("patience", train.patience, {0}, "N",
              "stop after N validations without a better nDCG@10 (0: never)")
      .on_resume(OnResume::kLength);
  options.choice("candidates", train.candidates, "items that are ranked");
  options.choice("overlap", train.pair_overlap, "held-out likes also in train: ignored, or missed");
  options
      .text("choose", train.choose, "RULE",
            "for lambda: near-best, max-ndcg, dislike:X or lambda:X")
      .on_resume(OnResume::kLength);
}

void declare_machine(OptionParser& options, TrainConfig& train) {
  options.section("Execution");
  options.choice("storage", train.storage, "tables and wire (fp64: verification)");
  options
      .number("threads", train.threads, {0, 4096}, "T",
              "per rank (0: the rank's share of the machine)")
      .on_resume(OnResume::kFree);
  options.choice("isa", train.isa, "instruction set").on_resume(OnResume::kFree);
  options
      .choice("shared-memory", train.shared_memory,
              "on: rows cross between ranks of a node without messages")
      .on_resume(OnResume::kFree);
}

void declare_execution(OptionParser& options, TrainConfig& train) {
  declare_machine(options, train);
  options
      .number("memory-limit", train.memory_limit, {0.0, 1e9}, "GB",
              "refuse what needs more on a node (0: than it has)")
      .on_resume(OnResume::kFree);
  declare_hang_timeout(options, train.hang_timeout).on_resume(OnResume::kFree);
}

void declare_output(OptionParser& options, TrainConfig& train) {
  options.section("Output");
  options.text("run", train.run, "DIR", "run directory to make").on_resume(OnResume::kFree);
  options
      .number("checkpoint-every-steps", train.checkpoint_every_steps, {0}, "N",
              "besides the one at the end (0: none)")
      .on_resume(OnResume::kFree);
  options
      .number("checkpoint-every-epochs", train.checkpoint_every_epochs, {0}, "N",
              "also behind every N-th epoch")
      .on_resume(OnResume::kFree);
  options
      .number("checkpoint-every-minutes", train.checkpoint_every_minutes, {0.0, 1e6}, "X",
              "also X minutes after the last")
      .on_resume(OnResume::kFree);
  options.number("keep", train.keep, {1}, "N", "newest checkpoints kept, besides the best")
      .on_resume(OnResume::kFree);
  options.choice("checkpoint-io", train.checkpoint_io, "way of MPI-IO").on_resume(OnResume::kFree);
  options
      .number("checkpoint-compression", train.checkpoint_compression, {0, 9}, "N",
              "deflate level (0: none); needs collective")
      .on_resume(OnResume::kFree);
  options
      .text("time-limit", train.time_limit, "[[D-]H:]M[:S]",
            "save and leave in time (also: SLURM_JOB_END_TIME)")
      .on_resume(OnResume::kFree);
  options.flag("log-steps", train.log_steps, "a line in metrics.jsonl for every step")
      .on_resume(OnResume::kFree);
  options.text("stage", train.stage, "NAME", "of a search, in every event");
  options.hide("stage");
}

void check_layer_weights(const TrainConfig& train) {
  const std::size_t given = train.layer_weights.size();
  if (given > 0 && std::ssize(train.layer_weights) != train.layers + 1)
    throw InputError(
        fmt::format("--layer-weights {}: --layers {} takes {} numbers, from that of the table on, "
                    "not {}",
                    fmt::join(train.layer_weights, ","), train.layers, train.layers + 1, given));
}

/// config.ini of a run holds both, the first as it resolved the second.
void check_polarity_epochs(const OptionParser& options, const TrainConfig& train) {
  if (train.polarity_batches > 0 && train.polarity_epochs > 0 &&
      options.on_command_line("polarity-epochs") && !options.on_command_line("polarity-batches"))
    throw InputError(fmt::format(
        "--polarity-epochs {}: the --config file says polarity-batches = {}, which holds; give "
        "--polarity-batches 0, too",
        train.polarity_epochs, train.polarity_batches));
}

void check_dislike_pairs(const RunConfig& config) {
  const TrainConfig& train = config.train;
  if (train.dislike_pairs == 0) return;
  const auto refuse = [&](const std::string& why) {
    throw InputError(fmt::format("--dislike-pairs {}: {}", train.dislike_pairs, why));
  };
  if (train.model != ModelKind::kSiren && train.model != ModelKind::kLightGcn)
    refuse(fmt::format("only siren and lightgcn train on such pairs, not {}; leave it out",
                       name_of(train.model)));
  if (train.loss != LossKind::kBpr)
    refuse("with --loss softmax a rating has no negatives of its own; leave one of the two out");
  if (config.data.no_dislikes)
    refuse("--no-dislikes leaves no disliked items to draw; leave one of the two out");
  if (train.dislike_pairs > train.negatives)
    refuse(fmt::format("a rating has {} negatives; give at most so many, or more --negatives",
                       train.negatives));
}

}  // namespace

void declare_run_options(OptionParser& options, RunConfig& config) {
  declare_data(options, config.data);
  declare_model(options, config.train);
  declare_polarity(options, config.train);
  declare_training(options, config.train);
  declare_execution(options, config.train);
  options.text("preset", config.preset, "paper|fast|best",
               "values for options not given; best: by a search");
  options.choice("refit", config.refit, "best: the chosen setting is trained on all of train");
  declare_output(options, config.train);
}

void declare_model_options(OptionParser& options, RunConfig& config) {
  declare_data(options, config.data);
  declare_model(options, config.train);
  declare_polarity(options, config.train);
  declare_batch(options, config.train);
  options.text("preset", config.preset, "paper|fast|best", "values for all options not given");
  declare_machine(options, config.train);
  for (const char* name : {"relevant-from", "hold-out", "temperature", "layer-weights",
                           "dislike-pairs", "reg"})  // hardly anything of what is timed or planned
    options.hide(name);
  for (const Applicability& option : kApplicability)
    if ((option.factored_only || option.softmax_only) && options.has(option.name))
      options.hide(option.name);
}

namespace {

bool leaves_out_dislikes(const OptionParser& options) {
  return parse_bool({options.text_of("no-dislikes").value_or("false"), "--no-dislikes"});
}

void train_on_likes(TrainConfig& train) {
  train.dislike_weight = 0.0;
  train.dislike_edge_weight = 0.0;
  train.polarity_epochs = 0;
}

/// Of the model and loss that were given; a factored model without dislikes has no use for them.
void apply_defaults(const OptionParser& options, RunConfig& config, bool best) {
  if (best) config.train.model = ModelKind::kFactored;
  const auto model = value_named<ModelKind>(options.text_of("model").value_or(""));
  const auto loss = value_named<LossKind>(options.text_of("loss").value_or(""));
  config.train = default_config(model.value_or(config.train.model), loss);
  if (config.train.model == ModelKind::kFactored && leaves_out_dislikes(options))
    train_on_likes(config.train);
}

const char* why_inapplicable(const Applicability& option, const TrainConfig& train) {
  const bool factored = train.model == ModelKind::kFactored;
  if (option.factored_only && !factored) return "--model factored";
  if (option.layers_only && train.model == ModelKind::kMatrixFactors) return "a model with layers";
  if (option.softmax_only && train.loss != LossKind::kSoftmax) return "--loss softmax";
  if (option.bpr_only && train.loss != LossKind::kBpr) return "--loss bpr";
  if (option.siren_only && factored) return "--model siren";
  if (option.draws_only && train.loss == LossKind::kSoftmax && train.shared_negatives == 0)
    return "--loss bpr or --shared-negatives S";
  return nullptr;
}

}  // namespace

void check_applicable(const OptionParser& options, const RunConfig& config) {
  const TrainConfig& train = config.train;
  const bool factored = train.model == ModelKind::kFactored;
  if (factored && train.loss != LossKind::kSoftmax)
    throw InputError("--model factored learns by --loss softmax; leave --loss out");
  for (const Applicability& option : kApplicability)
    if (const char* of = why_inapplicable(option, train);
        of != nullptr && options.given(option.name))
      throw InputError(
          fmt::format("--{} belongs to {} and says nothing about --model {} --loss {}; "
                      "leave it out",
                      option.name, of, name_of(train.model), name_of(train.loss)));
  check_polarity_epochs(options, train);
  check_layer_weights(train);
  if (options.given("refit") && config.preset != kBestPreset)
    throw InputError("--refit belongs to --preset best; leave it out");
  if (!factored && config.preset == kBestPreset)
    throw InputError(
        fmt::format("--preset best is a search over --model factored, not {}; leave --model out",
                    name_of(train.model)));
  constexpr double kLeastEdge = 1e-6;  // below, the inverse of a degree leaves the range of fp32
  if (train.dislike_edge_weight > 0.0 && train.dislike_edge_weight < kLeastEdge)
    throw InputError(fmt::format("--dislike-edge-weight {}: give 0, or a number from {} to 1",
                                 train.dislike_edge_weight, kLeastEdge));
  if (config.data.no_dislikes && (train.dislike_weight > 0.0 || train.dislike_edge_weight > 0.0 ||
                                  (factored && train.polarity_epochs > 0)))
    throw InputError(
        "--no-dislikes leaves nothing for --dislike-weight, --dislike-edge-weight and "
        "--polarity-epochs; leave them out");
  if (train.dislike_weight > 0.0 &&
      (train.model == ModelKind::kLightGcn || train.model == ModelKind::kMatrixFactors))
    throw InputError(fmt::format(
        "--dislike-weight {}: {} learns from likes alone; leave it out, or choose --model factored",
        train.dislike_weight, name_of(train.model)));
}

void leave_out_inapplicable(OptionParser& options, const RunConfig& config) {
  if (config.preset != kBestPreset) options.leave_out("refit");
  if (config.train.stage.empty()) options.leave_out("stage");
  for (const Applicability& option : kApplicability)
    if (why_inapplicable(option, config.train) != nullptr) options.leave_out(option.name);
}

void apply_preset(const OptionParser& options, RunConfig& config) {
  const std::string preset = options.text_of("preset").value_or("");
  apply_defaults(options, config, preset == kBestPreset);
  if (preset.empty()) return;
  if (preset == kBestPreset) {
    apply_best(config.train);
    if (leaves_out_dislikes(options)) train_on_likes(config.train);
    return;
  }
  if (preset != "paper" && preset != "fast")
    throw InputError(fmt::format("--preset {}: unknown; use paper, fast or best", preset));
  if (config.train.model == ModelKind::kFactored)
    throw InputError(
        fmt::format("--preset {} is not for --model factored, which has good defaults; leave it "
                    "out",
                    preset));
  if (preset == "paper") return;      // the defaults
  TrainConfig& train = config.train;  // found by the search in tests/bench/README.md
  train.layers = 2;
  train.negatives = 20;
  train.batch = 4096;
  train.learning_rate = 0.03;
  train.average = 0.996;
  train.epochs = 10;
  train.storage = Storage::kBf16;
}

void validate(const RunConfig& config) {
  const TrainConfig& train = config.train;
  if (config.data.data.empty())
    throw InputError("--data is missing: name the dataset file that `siren prepare` made");
  check_dislike_pairs(config);
  resolve(train.isa);
  checkpoint_options(train);
  parse_lambda_rule(train.choose);
  if (!train.time_limit.empty()) parse_time_limit(train.time_limit);
}

}  // namespace siren::inline app
