// SPDX-License-Identifier: Apache-2.0
// What training costs: memory, and work to be compared with what the machine can do.
#include <algorithm>

#include "siren/train/trainer.hpp"

namespace siren {

template <class Precision>
std::vector<MemoryUse> Trainer<Precision>::memory() const {
  const std::int64_t table = zp_.bytes();
  const std::int64_t tables = model_.shape().disliked_branch ? 2 : 1;
  const std::int64_t rating_bytes =
      static_cast<std::int64_t>(set_.ratings.items.size() * (sizeof(ItemId) + 1) +
                                set_.ratings.offsets.size() * 8) +
      schedule_.bytes() + planner_.rating_bytes();
  return {{"embeddings and moments", 3 * tables * table + average_.bytes()},
          {"gradients", (tables + 2) * table},
          {"layer tables and halo", propagation_.bytes()},
          {"edges", graph_.edge_bytes()},
          {"ratings and schedule", rating_bytes},
          {"batch rows", model_.workspace_bytes() + z_wire_.bytes() + z_items_.bytes() +
                             dz_.bytes() + dz_items_.bytes() + dz_items_wire_.bytes()},
          {"all items (every rank)", planner_.all_items_bytes() + 12 * layout_.all_items()}};
}

template <class Precision>
void Trainer<Precision>::count_work(const BatchPlan& plan) {
  constexpr std::int64_t kPasses = 3;      // forward, to the input, to the weights
  constexpr std::int64_t kAdamPasses = 7;  // four read, three written
  const std::int64_t width = propagation_.width();
  const std::int64_t table = zp_.bytes();
  const std::int64_t wire = layout_.rows() * width * std::int64_t{sizeof(Stored)};
  const bool disliked = model_.shape().disliked_branch;
  const std::int64_t products = disliked ? config_.mlp_layers + (config_.no_attention ? 0 : 2) : 0;
  const std::int64_t layers = config_.model == "mf" ? 0 : config_.layers;

  work_.batch_visits += kPasses * plan.ratings.size() * (config_.negatives + 1);
  work_.needed_rows += plan.needed.size();
  work_.flops += kPasses * products * 2 * plan.needed.size() * width * width;
  // Forward: x read, and a table written per layer but the last; the needed rows of the mean written
  // at the start, read and written by each layer. Adjoint: the needed rows of the gradient read at
  // the start and by each layer, as many tables written, and the result.
  const std::int64_t needed = plan.needed.size() * width * std::int64_t{sizeof(Real)};
  const std::int64_t tables = std::max<std::int64_t>(layers, 1) * wire;
  work_.layer_bytes += 2 * (tables + table) + (3 * layers + 2) * needed;
  work_.adam_bytes += (disliked ? 2 : 1) * kAdamPasses * table;
}

template <class Precision>
WorkDone Trainer<Precision>::work_done() const {
  WorkDone work = work_;
  work.edge_visits = propagation_.edge_visits();
  return work;
}

template <class Precision>
MachineLimits Trainer<Precision>::measure_limits() const {
  const std::int64_t adam_values =
      4 * std::ssize(zp_.span()) * (model_.shape().disliked_branch ? 2 : 1);
  return siren::measure_limits(comm_, kernels_, graph_, config_.dimension, adam_values);
}

template class Trainer<Fp32>;
template class Trainer<Bf16>;
template class Trainer<Fp64>;

}  // namespace siren
