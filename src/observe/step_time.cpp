// SPDX-License-Identifier: Apache-2.0
#include "observe/step_time.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <vector>

#include "math/matrix.hpp"
#include "math/precision.hpp"
#include "observe/bench.hpp"
#include "siren/ids.hpp"

namespace siren::inline observe {

namespace {

using Seconds = std::vector<double>;  // [ranks]

double longest(const Seconds& seconds) {
  return *std::max_element(seconds.begin(), seconds.end());
}

int node_of(int rank, const Machine& machine) {
  return static_cast<int>(rank / machine.ranks_per_node);
}

/// What crosses one way, out and in.
struct Flow {
  double bytes_out = 0.0;
  double bytes_in = 0.0;
  double messages_out = 0.0;
  double messages_in = 0.0;
  double bytes() const { return std::max(bytes_out, bytes_in); }
  double messages() const { return std::max(messages_out, messages_in); }
};

/// Of one expand, which is also that of a fold.
Seconds exchange_seconds(const RowTraffic& traffic, std::int64_t row_bytes,
                         const Machine& machine) {
  const int ranks = traffic.ranks();
  std::vector<Flow> inside(as_index(ranks));
  std::vector<Flow> outside(as_index(ranks));
  std::vector<Flow> of_node(as_index(machine.nodes(ranks)));
  for (int from = 0; from < ranks; ++from)
    for (int to = 0; to < ranks; ++to) {
      if (traffic.rows(from, to) == 0) continue;
      const auto bytes = static_cast<double>(row_bytes * traffic.rows(from, to));
      const int sender = node_of(from, machine);
      const int receiver = node_of(to, machine);
      std::vector<Flow>& flows = sender == receiver ? inside : outside;
      flows[as_index(from)].bytes_out += bytes;
      flows[as_index(from)].messages_out += 1;
      flows[as_index(to)].bytes_in += bytes;
      flows[as_index(to)].messages_in += 1;
      if (sender == receiver) continue;
      of_node[as_index(sender)].bytes_out += bytes;
      of_node[as_index(receiver)].bytes_in += bytes;
    }
  Seconds seconds;
  for (int rank = 0; rank < ranks; ++rank)
    seconds.push_back(
        machine.in_node.seconds(inside[as_index(rank)].bytes(), inside[as_index(rank)].messages()) +
        machine.between_nodes.seconds(of_node[as_index(node_of(rank, machine))].bytes(),
                                      outside[as_index(rank)].messages()));
  return seconds;
}

/// Slices to all ranks, then their sums: equal parts of what a rank sends go to each.
double sum_seconds(const LayoutPlan& plan, const Machine& machine) {
  const auto ranks = static_cast<double>(plan.ranks.size());
  if (plan.ranks.size() < 2) return 0.0;
  std::int64_t most = 0;
  for (const RankPlan& rank : plan.ranks) most = std::max(most, rank.sum_bytes);
  const double per_peer = static_cast<double>(most) / (ranks - 1);
  const double of_node = std::min(machine.ranks_per_node, ranks);
  const double exchanges = 2.0 * static_cast<double>(2 + plan.polarity_batches);
  const double inside = of_node - 1;
  const double outside = ranks - of_node;
  return machine.in_node.seconds(per_peer * inside, exchanges * inside) +
         machine.between_nodes.seconds(per_peer * outside * of_node, exchanges * outside);
}

/// Of a rank, in one layer of one direction.
struct LayerWork {
  double halo = 0.0;
  double own = 0.0;
  double anchored = 0.0;
};

double layer_seconds(const LayerWork& work, double exchange) {
  const double until_fold = std::max(work.halo, exchange);  // the wire is free, the sums are made
  const double sums = std::max(work.halo + work.own, exchange) + work.anchored;
  return std::max(sums, until_fold + exchange);
}

/// Of every rank, by stage.
struct ComputeTimes {
  std::vector<LayerWork> layer;
  Seconds mlp;       // forward, in the first layer
  Seconds fusion;    // forward
  Seconds backward;  // of both
  Seconds loss;
  Seconds adam;
  double slowest = 0.0;  // all of it
};

ComputeTimes compute_times(const LayoutPlan& plan, const TrainConfig& config,
                           const Machine& machine) {
  const auto at = [](const std::array<double, kPhases>& least, Phase phase) {
    return least[static_cast<std::size_t>(phase)];
  };
  const MachineLimits limits =
      machine.of_rank(padded(config.dimension) * number_bytes(config.storage).stored);
  const double mlp_share =
      config.mlp_layers == 0
          ? 0.0
          : double(config.mlp_layers) / (config.mlp_layers + (config.no_attention ? 0 : 2));
  const double passes = std::max(2.0 * plan.layers, 1.0);
  ComputeTimes times;
  for (const RankPlan& rank : plan.ranks) {
    std::array<double, kPhases> least = least_seconds(rank.work, limits);
    for (double& seconds : least) seconds *= machine.of_limits;
    times.slowest = std::max(times.slowest, std::accumulate(least.begin(), least.end(), 0.0));
    const double visit = limits.gather_seconds * machine.of_limits;
    const double halo = visit * static_cast<double>(rank.halo_edges);
    const double all = plan.layers == 0 ? 0.0 : visit * static_cast<double>(rank.edges);
    const double streams = at(least, Phase::kProduct) - 2 * all * (plan.layers == 0 ? 0.0 : passes);
    times.layer.push_back({halo, all - halo, all + streams / passes});
    const double dense = at(least, Phase::kDense);
    times.mlp.push_back(dense / 3 * mlp_share);
    times.fusion.push_back(dense / 3 * (1 - mlp_share));
    times.backward.push_back(dense * 2 / 3);
    times.loss.push_back(at(least, Phase::kLoss));
    times.adam.push_back(at(least, Phase::kAdam));
  }
  return times;
}

}  // namespace

StepTime predict_step(const LayoutPlan& plan, const TrainConfig& config, const Machine& machine) {
  const ComputeTimes compute = compute_times(plan, config, machine);
  const Seconds layer = exchange_seconds(plan.layer_rows, plan.layer_row_bytes, machine);
  const Seconds batch = exchange_seconds(plan.batch_rows, plan.batch_row_bytes, machine);
  Seconds polarity = exchange_seconds(plan.polarity_rows, plan.polarity_row_bytes, machine);

  StepTime time;
  time.compute = compute.slowest;
  time.sum = sum_seconds(plan, machine);
  double first = 0.0;
  double other = 0.0;
  for (std::size_t rank = 0; rank < plan.ranks.size(); ++rank) {
    LayerWork work = compute.layer[rank];
    other = std::max(other, layer_seconds(work, layer[rank]));
    work.halo += compute.mlp[rank];
    first = std::max(first, layer_seconds(work, layer[rank]));
    time.wire =
        std::max(time.wire, 2 * plan.layers * 2 * layer[rank] + 2 * (batch[rank] + polarity[rank]));
  }
  const double backward = plan.layers * other;
  const double wire_busy = 2 * plan.layers * longest(layer);
  const double forward = first + std::max(plan.layers - 1, 0) * other;
  time.step = forward + longest(compute.fusion) + 2 * longest(batch) + longest(compute.loss) +
              longest(compute.backward) + std::max(backward, wire_busy + time.sum) +
              longest(compute.adam) + 2 * longest(polarity);
  return time;
}

}  // namespace siren::inline observe
