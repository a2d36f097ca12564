// SPDX-License-Identifier: Apache-2.0
// Everything that determines a training run. Defaults are those of SPEC section 2 (`--preset
// paper`).
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>

namespace siren::inline train {

/// What the model sees of the data.
struct DataConfig {
  std::string data;                    // path of the dataset file
  std::int32_t fold = 1;               // from 1; 0: every rating trains
  std::optional<float> offset;         // rating - offset is the sign; default: the dataset's own
  std::optional<float> relevant_from;  // a held-out rating >= this is relevant; default: > offset
  bool no_dislikes = false;            // disliked ratings count like rating == offset
  std::string partition = "block";     // block | random | metis
  std::string travel = "auto";         // items | users | auto
};

struct TrainConfig {
  // model
  std::string model = "siren";  // siren | lightgcn | mf
  std::int64_t dimension = 64;  // d
  int layers = 4;               // L
  int mlp_layers = 2;
  double dropout = 0.5;
  bool no_attention = false;  // both branches count one half
  std::string norm = "sym";   // sym | mean
  // loss
  int negatives = 40;           // K
  double exponent = 0.75;       // of the item degree in P(j)
  double dislike_factor = 2.0;  // c for disliked ratings
  double reg = 0.05;
  // optimiser
  std::int64_t batch = 1024;  // B, over all ranks
  double learning_rate = 5e-3;
  std::string lr_schedule = "constant";  // constant | cosine
  std::int64_t lr_steps = 0;             // length of a cosine; 0: the run's, when it first starts
  std::int64_t lr_warm_up = 0;           // steps over which the rate rises
  double average = 0.0;  // decay per step of the parameters' running mean, which is judged; 0: none
  std::string init_from;  // checkpoint whose parameters a new run begins with; empty: random
  // schedule
  std::int32_t epochs = 20;
  std::optional<std::int64_t> max_steps;  // total steps, not per start
  std::uint32_t seed = 1;
  // evaluation
  std::int32_t eval_every = 0;  // epochs; 0: only at the end
  std::string eval_split;       // valid | test; empty: valid if there is one, else test
  std::int32_t patience = 0;    // evaluations without a better one before stopping; 0: never stop
  std::string candidates = "train+test";
  // execution
  std::string storage = "fp32";  // fp32 | bf16; fp64 for verification
  std::string isa = "auto";
  int threads = 1;                   // per rank
  std::string shared_memory = "on";  // off: rows between ranks of a node go by messages, too
  bool overlap = true;               // of messages and work; only bench turns it off
  double memory_limit = 0.0;         // GB that a node can give; 0: what it says
  double hang_timeout = 600.0;       // seconds without a sign of life that end the job; 0: never
  // output
  std::string run;                            // run directory
  std::string checkpoint_io = "independent";  // independent | collective
  std::int32_t checkpoint_compression = 0;    // 0 .. 9
  std::string time_limit;                     // as parse_time_limit() reads it; empty: none
  std::int64_t checkpoint_every_steps = 0;    // 0: never, like the two below
  std::int32_t checkpoint_every_epochs = 0;
  double checkpoint_every_minutes = 0.0;
  std::int32_t keep = 2;  // newest checkpoints that stay, besides the best
  bool log_steps = false;
};

/// Steps of a whole run.
inline std::int64_t planned_steps(const TrainConfig& config, std::int64_t steps_per_epoch) {
  const std::int64_t all = steps_per_epoch * config.epochs;
  return std::min(all, config.max_steps.value_or(all));
}

}  // namespace siren::inline train
