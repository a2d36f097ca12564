// SPDX-License-Identifier: Apache-2.0
// Slow obvious twin of distributed/loader.hpp for tests: every rank holds all ratings and picks its
// share.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "data/training_set.hpp"
#include "distributed/layout.hpp"
#include "distributed/liked_graph.hpp"
#include "siren/communicator.hpp"
#include "siren/config.hpp"

namespace siren::test {

/// One training rating; `sign` as in UserRatings.
struct Rating {
  UserId user;
  ItemId item;
  std::int8_t sign;
  std::optional<float> value = {};  // absent: value_of() makes one up
};

/// All ratings of a small data set, sorted by (user, item).
struct Ratings {
  std::int64_t users = 0;
  std::int64_t items = 0;
  std::vector<Rating> all;
  float offset = 3.0F;  // of values
};

/// Ratings drawn at random (keyed by `seed`), each pair at most once, `density` of all pairs; about
/// half liked, two fifths disliked, the rest neither.
Ratings random_ratings(std::int64_t users, std::int64_t items, double density, std::uint32_t seed);

/// Its own, or one from 1 to 5, the offset being 3.
float value_of(const Rating& rating);
/// Cuts of these values.
RatingCuts cuts_of(const Ratings& ratings);

/// Owner of every node by name: "block" | "random" | "first" (rank 0 owns all).
Partition test_partition(const Ratings& ratings, const std::string& name, int ranks);

/// What one rank would hold after loading.
struct Share {
  Layout layout;
  TrainingSet set;
  Adjacency graph;
};

/// Collective (the mirrored orientation moves edges).
std::unique_ptr<Share> make_share(const Communicator& comm, const Ratings& ratings,
                                  const TrainConfig& config, const std::string& partition = "block",
                                  Travel travel = Travel::kItems);

}  // namespace siren::test
