// SPDX-License-Identifier: Apache-2.0
// Leaving out users and items with few ratings, until all that remain have enough.
#pragma once

#include <cstdint>

#include "data/id_share.hpp"
#include "data/rating_table.hpp"
#include "siren/communicator.hpp"
#include "siren/ids.hpp"

namespace siren::inline ingest {

struct KCoreReport {
  std::int64_t removed_users = 0;
  std::int64_t removed_items = 0;
  EdgeOffset removed_ratings = 0;
};

/// Collective; `table` holds this rank's ratings, those of users.range(). Removes ratings of users
/// with fewer than `min_user_ratings` and of items with fewer than `min_item_ratings`, again and
/// again until none is left to remove. The result is the unique largest such subset, possibly
/// empty. Rows keep their order; users and items without ratings disappear from the ids, and the
/// others are renumbered in order. Memory: a count for every item on every rank.
KCoreReport reduce_to_core(const Communicator& comm, RatingTable& table, IdShare& users,
                           IdShare& items, std::int64_t min_user_ratings,
                           std::int64_t min_item_ratings);

}  // namespace siren::inline ingest
