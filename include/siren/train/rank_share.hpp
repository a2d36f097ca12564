// SPDX-License-Identifier: Apache-2.0
// How the data set is spread over the ranks: what the balance of a run is judged by.
#pragma once

#include <cstdint>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "siren/comm/communicator.hpp"
#include "siren/data/training_set.hpp"
#include "siren/graph/adjacency.hpp"
#include "siren/graph/layout.hpp"

namespace siren {

/// What one rank holds.
struct RankShare {
  std::int64_t users;
  std::int64_t items;
  std::int64_t ratings;    // in train, of any sign
  std::int64_t edges;      // of the liked graph, each on one rank
  std::int64_t halo_rows;  // copies of rows that other ranks own
};

/// Of every rank, in order of rank, on every rank. Collective.
std::vector<RankShare> rank_shares(const Communicator& comm,
                                   const Layout& layout,
                                   const TrainingSet& set,
                                   const Adjacency& graph);

/// {"users":[a value a rank],"items":[..],"ratings":[..],"edges":[..],"halo_rows":[..]}
nlohmann::ordered_json to_json(const std::vector<RankShare>& shares);

}  // namespace siren
