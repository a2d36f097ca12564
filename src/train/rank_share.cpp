// SPDX-License-Identifier: Apache-2.0
#include "siren/train/rank_share.hpp"

#include <nlohmann/json.hpp>

namespace siren {

std::vector<RankShare> rank_shares(const Communicator& comm,
                                   const Layout& layout,
                                   const TrainingSet& set,
                                   const Adjacency& graph) {
  const RankShare mine{layout.users(), layout.items(), set.ratings.offsets.back(),
                       graph.by_anchor.nonzeros(), graph.halo_rows};
  return comm.all_gather(mine);
}

nlohmann::ordered_json to_json(const std::vector<RankShare>& shares) {
  nlohmann::ordered_json json;
  for (const RankShare& share : shares) {
    json["users"].push_back(share.users);
    json["items"].push_back(share.items);
    json["ratings"].push_back(share.ratings);
    json["edges"].push_back(share.edges);
    json["halo_rows"].push_back(share.halo_rows);
  }
  return json;
}

}  // namespace siren
