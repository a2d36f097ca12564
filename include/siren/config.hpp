// SPDX-License-Identifier: Apache-2.0
// Everything that determines a training run. Defaults are the paper's (arXiv 2108.08735), which
// `--preset paper` names.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "siren/named_enum.hpp"

namespace siren::inline core {

/// kFactored: P(liked) = P(engaged) P(liked | engaged), a branch each.
enum class ModelKind { kSiren, kLightGcn, kMatrixFactors, kFactored };
constexpr std::array<std::string_view, 4> enum_names(ModelKind) {
  return {"siren", "lightgcn", "mf", "factored"};
}

/// Ratings with sampled negatives each, or users against the whole catalogue.
enum class LossKind { kBpr, kSoftmax };
constexpr std::array<std::string_view, 2> enum_names(LossKind) {
  return {"bpr", "softmax"};
}

/// Of the liked graph: D^-1/2 A D^-1/2, or D^-1 A.
enum class Normalisation { kSymmetric, kMean };
constexpr std::array<std::string_view, 2> enum_names(Normalisation) {
  return {"sym", "mean"};
}

/// Of a user's and an item's row: their inner product, or its quotient by their lengths.
enum class Similarity { kDot, kCosine };
constexpr std::array<std::string_view, 2> enum_names(Similarity) {
  return {"dot", "cosine"};
}

enum class LrSchedule { kConstant, kCosine };
constexpr std::array<std::string_view, 2> enum_names(LrSchedule) {
  return {"constant", "cosine"};
}

/// Items that are ranked.
enum class Candidates { kTrainAndTest, kTrain, kAll };
constexpr std::array<std::string_view, 3> enum_names(Candidates) {
  return {"train+test", "train", "all"};
}

/// Relevant held-out pairs whose item is masked: left out of the ground truth, or kept there, where
/// no list can hold them.
enum class Overlap { kDrop, kKeep };
constexpr std::array<std::string_view, 2> enum_names(Overlap) {
  return {"drop", "keep"};
}

enum class HeldOutPart { kValid, kTest };
constexpr std::array<std::string_view, 2> enum_names(HeldOutPart) {
  return {"valid", "test"};
}

/// Numbers of tables and messages; fp64 is for verification.
enum class Storage { kFp32, kBf16, kFp64 };
constexpr std::array<std::string_view, 3> enum_names(Storage) {
  return {"fp32", "bf16", "fp64"};
}

enum class IsaChoice { kAuto, kPortable, kAvx2, kAvx512 };
constexpr std::array<std::string_view, 4> enum_names(IsaChoice) {
  return {"auto", "portable", "avx2", "avx512"};
}

/// Who owns which rows.
enum class Partitioning { kBlock, kRandom, kMetis, kStream };
constexpr std::array<std::string_view, 4> enum_names(Partitioning) {
  return {"block", "random", "metis", "stream"};
}

/// Whose rows cross ranks: those of one side, or the fewest rows of both.
enum class TravelChoice { kItems, kUsers, kAuto, kCover };
constexpr std::array<std::string_view, 4> enum_names(TravelChoice) {
  return {"items", "users", "auto", "cover"};
}

enum class OnOff { kOn, kOff };
constexpr std::array<std::string_view, 2> enum_names(OnOff) {
  return {"on", "off"};
}

/// How ranks write into a common file: each on its own, or all together in collective MPI-IO, which
/// some parallel file systems want and on some others hangs.
enum class CheckpointIo { kIndependent, kCollective };
constexpr std::array<std::string_view, 2> enum_names(CheckpointIo) {
  return {"independent", "collective"};
}

/// What the model sees of the data.
struct DataConfig {
  std::string data;                    // path of the dataset file
  std::int32_t fold = 1;               // from 1; 0: every rating trains
  std::optional<float> offset;         // rating - offset is the sign; default: the dataset's own
  std::optional<float> relevant_from;  // a held-out rating >= this is relevant; default: > offset
  double hold_out = 0.0;     // share of train that validates, where the data set has no such part
  bool no_dislikes = false;  // disliked ratings count like rating == offset
  Partitioning partition = Partitioning::kBlock;
  TravelChoice travel = TravelChoice::kAuto;
};

struct TrainConfig {
  // model
  ModelKind model = ModelKind::kSiren;
  std::int64_t dimension = 64;  // d
  int layers = 4;               // L
  std::vector<double> layer_weights =
      {};  // gamma_0 .. gamma_L of the sum over layers; none: the mean
  int mlp_layers = 2;
  double dropout = 0.5;
  bool no_attention = false;  // both branches count one half
  Normalisation norm = Normalisation::kSymmetric;
  // loss
  LossKind loss = LossKind::kBpr;
  double temperature = 1.0;                  // t: softmax divides scores by it
  Similarity similarity = Similarity::kDot;  // what softmax divides
  std::int64_t batch_users = 512;            // of a step with softmax, over all ranks
  OnOff item_bias = OnOff::kOff;             // softmax: a_i besides the inner product
  double dislike_weight = 0.0;        // eta: what a rating that is no like weighs in the softmax
  double dislike_edge_weight = 0.0;   // kappa: what its edge weighs in the graph of factored
  std::int64_t shared_negatives = 0;  // S: items drawn for a step's softmax; 0: all items
  int negatives = 40;                 // K
  int dislike_pairs = 0;              // M of them are the user's own disliked items
  double exponent = 0.75;             // of the item degree in P(j)
  double dislike_factor = 2.0;        // c for disliked ratings
  double reg = 0.05;
  // polarity branch of factored
  std::int64_t polarity_dimension = 32;  // d_p
  int polarity_layers = 0;               // of an MLP over its rows
  double polarity_reg = 0.02;
  std::int64_t polarity_batch = 20000;  // ratings, over all ranks
  std::int32_t polarity_epochs = 14;    // passes over the ratings in a run; 0: no polarity
  double polarity_rate = 0.01;          // learning rate
  std::int64_t polarity_batches = 0;    // in each step; 0: as many as make polarity_epochs
  // optimiser
  std::int64_t batch = 1024;  // B, over all ranks
  double learning_rate = 5e-3;
  LrSchedule lr_schedule = LrSchedule::kConstant;
  std::int64_t lr_steps = 0;    // length of a cosine; 0: the run's, when it first starts
  std::int64_t lr_warm_up = 0;  // steps over which the rate rises
  double average = 0.0;         // decay per step of the parameters' mean, which is used; 0: none
  std::string init_from;        // checkpoint whose parameters a new run begins with; empty: random
  // schedule
  std::int32_t epochs = 20;
  std::optional<std::int64_t> max_steps;  // total steps, not per start
  std::uint32_t seed = 1;
  // evaluation
  std::int32_t eval_every = 0;            // epochs; 0: only at the end
  std::optional<HeldOutPart> eval_split;  // default: valid if there is one, else test
  std::int64_t eval_users = 0;  // drawn for evaluations while it trains and for lambda; 0: all
  std::int32_t patience = 0;    // evaluations without a better one before stopping; 0: never stop
  Candidates candidates = Candidates::kTrainAndTest;
  Overlap pair_overlap = Overlap::kDrop;  // --overlap
  std::string choose = "near-best";  // rule by which lambda is chosen (train/lambda_choice.hpp)
  // execution
  Storage storage = Storage::kFp32;
  IsaChoice isa = IsaChoice::kAuto;
  int threads = 1;                   // per rank
  OnOff shared_memory = OnOff::kOn;  // off: rows between ranks of a node go by messages, too
  bool overlap = true;               // of messages and work; only bench turns it off
  double memory_limit = 0.0;         // GB that a node can give; 0: what it says
  double hang_timeout = 600.0;       // seconds without a sign of life that end the job; 0: never
  // output
  std::string run;  // run directory
  CheckpointIo checkpoint_io = CheckpointIo::kIndependent;
  std::int32_t checkpoint_compression = 0;  // 0 .. 9
  std::string time_limit;                   // as parse_time_limit() reads it; empty: none
  std::int64_t checkpoint_every_steps = 0;  // 0: never, like the two below
  std::int32_t checkpoint_every_epochs = 0;
  double checkpoint_every_minutes = 0.0;
  std::int32_t keep = 2;  // newest checkpoints that stay, besides the best
  bool log_steps = false;
  std::string stage;  // of a search (--preset best, siren tune), in events; empty: a run of its own
};

/// Where defaults depend on the model and the loss: the table is here and nowhere else.
///
///   softmax    item bias on, exponent (of shared draws) .5
///   factored   loss softmax; d 128, L 1, kappa 1, eta 0, t .2, reg .075, 1024 users a batch,
///              learning rate .01, averaged rows (.98)
inline TrainConfig default_config(ModelKind model, std::optional<LossKind> loss = std::nullopt) {
  TrainConfig config;
  config.model = model;
  const bool factored = model == ModelKind::kFactored;
  config.loss = loss.value_or(factored ? LossKind::kSoftmax : LossKind::kBpr);
  if (config.loss == LossKind::kSoftmax) {
    config.item_bias = OnOff::kOn;
    config.exponent = 0.5;
  }
  if (!factored) return config;
  config.dimension = 128;
  config.layers = 1;
  config.dislike_edge_weight = 1.0;
  config.temperature = 0.2;
  config.reg = 0.075;
  config.batch_users = 1024;
  config.learning_rate = 0.01;
  config.average = 0.98;
  return config;
}

/// What a model consists of.
struct ModelSpec {
  bool disliked_branch = true;  // with a table and an MLP of its own, and the fusion
  int layers = 4;               // of the propagation
  bool item_bias = false;
  double edge_weight = 0.0;   // kappa: of ratings that are no likes, in the graph
  std::int64_t polarity = 0;  // d_p, the columns of Q; 0: no polarity branch
  int tables() const { return disliked_branch ? 2 : 1; }  // of embeddings
};

inline ModelSpec model_spec(const TrainConfig& config) {
  const bool factored = config.model == ModelKind::kFactored;
  return {config.model == ModelKind::kSiren,
          config.model == ModelKind::kMatrixFactors ? 0 : config.layers,
          config.loss == LossKind::kSoftmax && config.item_bias == OnOff::kOn,
          factored ? config.dislike_edge_weight : 0.0,
          factored && config.polarity_epochs > 0 ? config.polarity_dimension : 0};
}

/// Steps of a whole run.
inline std::int64_t planned_steps(const TrainConfig& config, std::int64_t steps_per_epoch) {
  const std::int64_t all = steps_per_epoch * config.epochs;
  return std::min(all, config.max_steps.value_or(all));
}

}  // namespace siren::inline core
