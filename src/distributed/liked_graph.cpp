// SPDX-License-Identifier: Apache-2.0
#include "distributed/liked_graph.hpp"

#include <algorithm>

#include "siren/ids.hpp"
namespace siren::inline distributed {

namespace {

std::vector<AnchoredEdge> edges_at_users(const Layout& layout, const UserRatings& ratings) {
  std::vector<AnchoredEdge> edges;
  for (std::int64_t user = 0; user < ratings.users(); ++user)
    for (EdgeOffset e = ratings.offsets[as_index(user)]; e < ratings.offsets[as_index(user) + 1];
         ++e)
      if (ratings.signs[as_index(e)] > 0)
        edges.push_back(
            {static_cast<LocalRow>(user), layout.address_of_item(ratings.items[as_index(e)])});
  return edges;
}

/// Edges anchored at this rank's users become edges anchored at its items.
std::vector<AnchoredEdge> mirrored(const Communicator& comm, std::vector<AnchoredEdge> edges) {
  std::stable_sort(edges.begin(), edges.end(), [](const AnchoredEdge& a, const AnchoredEdge& b) {
    return a.traveller.rank < b.traveller.rank;
  });
  std::vector<std::int64_t> counts(as_index(comm.size()), 0);
  for (AnchoredEdge& edge : edges) {
    ++counts[as_index(edge.traveller.rank)];
    edge = {edge.traveller.row, {comm.rank(), edge.anchor}};
  }
  return comm.all_to_all_v(std::span<const AnchoredEdge>(edges), counts).values;
}

/// Likes per owned row, over all ranks.
std::vector<std::int32_t> liked_degrees(const Layout& layout, const TrainingSet& set) {
  std::vector<std::int32_t> degree;
  degree.reserve(as_index(layout.rows()));
  for (std::int64_t user = 0; user < layout.users(); ++user) {
    const auto first = set.ratings.signs.begin() + set.ratings.offsets[as_index(user)];
    const auto last = set.ratings.signs.begin() + set.ratings.offsets[as_index(user) + 1];
    degree.push_back(static_cast<std::int32_t>(
        std::count_if(first, last, [](std::int8_t sign) { return sign > 0; })));
  }
  for (const ItemId item : layout.owned_items()) degree.push_back(set.item_likes[as_index(item)]);
  return degree;
}

}  // namespace

Adjacency make_liked_graph(const Communicator& comm, const Layout& layout, const TrainingSet& set,
                           Travel travel) {
  std::vector<AnchoredEdge> edges = edges_at_users(layout, set.ratings);
  if (travel == Travel::kUsers) edges = mirrored(comm, std::move(edges));
  return make_adjacency(layout, travel, edges, liked_degrees(layout, set));
}

}  // namespace siren::inline distributed
