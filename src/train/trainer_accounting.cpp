// SPDX-License-Identifier: Apache-2.0
// What training costs: memory, and work to be compared with what the machine can do.
#include "siren/train/step_work.hpp"
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
          {"gradients", 2 * table},  // of X0, and Zp
          {"layer tables and halo", propagation_.bytes()},
          {"edges", graph_.edge_bytes()},
          {"ratings and schedule", rating_bytes},
          {"batch rows", model_.workspace_bytes() + z_wire_.bytes() + z_items_.bytes() +
                             dz_.bytes() + dz_items_.bytes() + dz_items_wire_.bytes() +
                             gradients_.zp.bytes() + gradients_.disliked.bytes()},
          {"all items (every rank)", planner_.all_items_bytes() + 12 * layout_.all_items()}};
}

template <class Precision>
void Trainer<Precision>::count_work(const BatchPlan& plan) {
  const WorkDone step = step_work(config_, {layout_.rows(), plan.needed.size(), plan.ratings.size(),
                                            sizeof(Real), sizeof(Stored)});
  for (const auto part : kWorkParts) work_.*part += step.*part;
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
