// SPDX-License-Identifier: Apache-2.0
#include "ingest/k_core.hpp"

#include <vector>

namespace siren::inline ingest {
namespace {

std::vector<EdgeOffset> degrees(const std::vector<std::int32_t>& ids, std::int64_t count) {
  std::vector<EdgeOffset> degree(static_cast<std::size_t>(count), 0);
  for (const std::int32_t id : ids) ++degree[static_cast<std::size_t>(id)];
  return degree;
}

/// Drops the numbers without ratings and renumbers the rest.
void compact(std::vector<std::int32_t>& column, IdTable& ids) {
  const std::vector<EdgeOffset> degree = degrees(column, ids.size());
  std::vector<std::int32_t> kept;
  std::vector<std::int32_t> renumbered(degree.size(), -1);
  for (std::size_t id = 0; id < degree.size(); ++id) {
    if (degree[id] == 0) continue;
    renumbered[id] = static_cast<std::int32_t>(kept.size());
    kept.push_back(static_cast<std::int32_t>(id));
  }
  for (std::int32_t& id : column) id = renumbered[static_cast<std::size_t>(id)];
  ids = ids.subset(kept);
}

}  // namespace

KCoreReport reduce_to_core(RatingTable& table, IdTable& users, IdTable& items,
                           std::int64_t min_user_ratings, std::int64_t min_item_ratings) {
  const KCoreReport before{users.size(), items.size(), table.size()};
  while (true) {
    const std::vector<EdgeOffset> user_degree = degrees(table.user, users.size());
    const std::vector<EdgeOffset> item_degree = degrees(table.item, items.size());
    std::vector<EdgeOffset> kept;
    kept.reserve(table.user.size());
    for (std::size_t row = 0; row < table.user.size(); ++row) {
      const bool stays =
          user_degree[static_cast<std::size_t>(table.user[row])] >= min_user_ratings &&
          item_degree[static_cast<std::size_t>(table.item[row])] >= min_item_ratings;
      if (stays) kept.push_back(static_cast<EdgeOffset>(row));
    }
    if (kept.size() == table.user.size()) break;
    table = select_rows(std::move(table), kept);
  }
  compact(table.user, users);
  compact(table.item, items);
  return {before.removed_users - users.size(), before.removed_items - items.size(),
          before.removed_ratings - table.size()};
}

}  // namespace siren::inline ingest
