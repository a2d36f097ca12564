// SPDX-License-Identifier: Apache-2.0
#include "train/step_work.hpp"

#include <algorithm>

#include "math/matrix.hpp"
#include "train/model_state.hpp"

namespace siren::inline train {

namespace {

constexpr std::int64_t kAdamPasses = 6;  // three read, three written, and the gradient read
constexpr std::int64_t kPasses = 3;      // forward, to the input, to the weights

}  // namespace

WorkDone step_work(const TrainConfig& config, const StepShare& share) {
  const std::int64_t width = padded(config.dimension);
  const std::int64_t table = share.rows * width * share.real_bytes;
  const std::int64_t wire = share.rows * width * share.stored_bytes;
  const std::int64_t needed = share.needed * width * share.real_bytes;
  const std::int64_t layers = model_spec(config).layers;
  const bool disliked = model_spec(config).disliked_branch;
  const std::int64_t products = disliked ? config.mlp_layers + (config.no_attention ? 0 : 2) : 0;

  WorkDone work;
  if (config.loss == LossKind::kSoftmax) {
    work.score_flops = kPasses * 2 * share.scores * width;
    work.exponentials = share.scores;
  } else {
    work.batch_visits = kPasses * share.scores;
  }
  work.needed_rows = share.needed;
  work.flops = kPasses * products * 2 * share.needed * width * width;
  // Forward: x read, and a table written per layer but the last; the needed rows of the mean written
  // at the start, read and written by each layer. Adjoint: the needed rows of the gradient read at
  // the start and by each layer, as many tables written, and the result.
  const std::int64_t tables = std::max<std::int64_t>(layers, 1) * wire;
  work.layer_bytes = 2 * (tables + table) + (3 * layers + 2) * needed;
  work.adam_bytes = kAdamPasses * table + table;
  if (disliked) work.adam_bytes += kAdamPasses * table + needed;
  return work;
}

void add_polarity_work(const TrainConfig& config, const PolarityShare& share, WorkDone& work) {
  constexpr std::int64_t kVisits = 4;  // both rows for the score, one for the gradient of the other
  const std::int64_t extended = padded(config.polarity_dimension + 2);
  work.batch_visits += kVisits * share.ratings * extended / padded(config.dimension);
  const std::int64_t row = padded(config.polarity_dimension + 1) * share.real_bytes;
  work.adam_bytes += (kAdamPasses * share.rows + share.needed) * row;
  const std::int64_t width = padded(config.polarity_dimension);
  work.flops += kPasses * config.polarity_layers * 2 * share.needed * width * width;
}

}  // namespace siren::inline train
