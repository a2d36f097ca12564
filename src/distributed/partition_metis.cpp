// SPDX-License-Identifier: Apache-2.0
// The partitioner that looks at the edges: METIS (Karypis and Kumar), k-way, least total volume.
#include <array>
#include <limits>
#include <numeric>
#include <utility>

#include <fmt/format.h>
#include <metis.h>
#include <spdlog/spdlog.h>

#include "core/text.hpp"
#include "core/timer.hpp"
#include "distributed/partition.hpp"
#include "siren/check.hpp"
#include "siren/error.hpp"
#include "siren/ids.hpp"
namespace siren::inline distributed {

namespace {

/// How much more than its share a rank may have: of the anchored side, whose edges are its work, and
/// of the travelling side.
constexpr real_t kAnchoredImbalance = 1.01F;
constexpr real_t kTravellingImbalance = 1.05F;
constexpr idx_t kConstraints = 2;  // weight of users, weight of items

/// Users, then items; both directions of every edge.
struct BothWays {
  std::vector<idx_t> offsets;     // [M + N + 1]
  std::vector<idx_t> neighbours;  // [2 edges]
};

BothWays both_ways(const RatingEdges& edges) {
  const std::int64_t users = std::ssize(edges.of_user);
  BothWays graph;
  graph.offsets.reserve(edges.of_user.size() + edges.of_item.size() + 1);
  graph.offsets.push_back(0);
  for (const auto* degrees : {&edges.of_user, &edges.of_item})
    for (const std::int32_t degree : *degrees)
      graph.offsets.push_back(graph.offsets.back() + degree);
  graph.neighbours.resize(2 * edges.items.size());
  SIREN_ASSERT(graph.offsets.back() == std::ssize(graph.neighbours), "{} edges counted, {} listed",
               graph.offsets.back(), graph.neighbours.size());
  std::vector<idx_t> next(graph.offsets.begin(), graph.offsets.end() - 1);
  auto item = edges.items.begin();
  for (std::int64_t user = 0; user < users; ++user)
    for (std::int32_t e = 0; e < edges.of_user[as_index(user)]; ++e, ++item) {
      graph.neighbours[as_index(next[as_index(user)]++)] = static_cast<idx_t>(users + *item);
      graph.neighbours[as_index(next[as_index(users + *item)]++)] = static_cast<idx_t>(user);
    }
  return graph;
}

std::int64_t sum(std::span<const std::int32_t> values) {
  return std::accumulate(values.begin(), values.end(), std::int64_t{0});
}

void check_countable(const PartitionInput& input) {
  const std::int64_t most = std::numeric_limits<idx_t>::max();
  for (const std::int64_t count :  // an edge has two directions, of weight 2 each
       {4 * std::ssize(input.edges->items), sum(input.user_weight), sum(input.item_weight)})
    if (count > most)
      throw InputError(
          fmt::format("--partition metis: METIS was built to count up to {} here, which "
                      "{} ratings in the graph exceed; use stream or block",
                      most, input.edges->items.size()));
}

/// Owner per node, users first.
std::vector<idx_t> divide(const PartitionInput& input) {
  const std::size_t users = input.user_weight.size();
  std::vector<idx_t> owner(users + input.item_weight.size(), 0);
  std::vector<idx_t> weights(kConstraints * owner.size(), 0);
  std::vector<idx_t> sizes(owner.size(), 0);  // rows that a node sends to a part that uses it
  for (std::size_t node = 0; node < owner.size(); ++node) {
    const bool is_user = node < users;
    weights[kConstraints * node + (is_user ? 0 : 1)] =
        is_user ? input.user_weight[node] : input.item_weight[node - users];
    sizes[node] = is_user != input.items_travel;
  }
  BothWays graph = both_ways(*input.edges);
  std::array<real_t, kConstraints> imbalance{kAnchoredImbalance, kTravellingImbalance};
  if (!input.items_travel) std::swap(imbalance[0], imbalance[1]);
  std::array<idx_t, METIS_NOPTIONS> options{};
  METIS_SetDefaultOptions(options.data());
  options[METIS_OPTION_OBJTYPE] = METIS_OBJTYPE_VOL;
  options[METIS_OPTION_SEED] =
      static_cast<idx_t>(input.seed & std::uint32_t{std::numeric_limits<std::int32_t>::max()});
  idx_t nodes = static_cast<idx_t>(owner.size());
  idx_t constraints = kConstraints;
  idx_t parts = input.ranks;
  idx_t volume = 0;
  const int code =
      METIS_PartGraphKway(&nodes, &constraints, graph.offsets.data(), graph.neighbours.data(),
                          weights.data(), sizes.data(), nullptr, &parts, nullptr, imbalance.data(),
                          options.data(), &volume, owner.data());
  if (code != METIS_OK)  // METIS itself catches SIGTERM while it works
    throw EnvironmentError(fmt::format(
        "METIS_PartGraphKway {} (code {}) at {} nodes and {} edges; --partition block does without",
        code == METIS_ERROR_MEMORY ? "found no memory" : "failed or was told to stop", code, nodes,
        input.edges->items.size()));
  return owner;
}

}  // namespace

Partition partition_metis(const PartitionInput& input) {
  const std::size_t users = input.user_weight.size();
  const std::size_t items = input.item_weight.size();
  if (input.ranks == 1)
    return {std::vector<std::int32_t>(users, 0), std::vector<std::int32_t>(items, 0)};
  SIREN_ASSERT(input.edges != nullptr, "no edges of {} users", users);
  check_countable(input);
  const Stopwatch watch;
  const std::vector<idx_t> owner = divide(input);
  spdlog::info("METIS shared out {} ratings among {} ranks in {}",
               grouped(std::ssize(input.edges->items)), input.ranks,
               human_seconds(watch.seconds()));
  const auto first_item = owner.begin() + static_cast<std::ptrdiff_t>(users);
  Partition partition;
  partition.user_owner.assign(owner.begin(), first_item);
  partition.item_owner.assign(first_item, owner.end());
  return partition;
}

}  // namespace siren::inline distributed
