// SPDX-License-Identifier: Apache-2.0
#include "ingest/k_core.hpp"

#include <span>
#include <vector>

namespace siren::inline ingest {
namespace {

/// Of the ids of `range`.
std::vector<EdgeOffset> degrees(const std::vector<std::int32_t>& ids, const RowRange& range) {
  std::vector<EdgeOffset> degree(as_index(range.size()), 0);
  for (const std::int32_t id : ids) ++degree[as_index(id - range.begin)];
  return degree;
}

std::vector<EdgeOffset> degrees_everywhere(const Communicator& comm,
                                           const std::vector<std::int32_t>& ids,
                                           std::int64_t count) {
  std::vector<EdgeOffset> degree = degrees(ids, {0, count});
  comm.all_reduce(std::span<EdgeOffset>(degree), Reduction::kSum);
  return degree;
}

/// Which ids of a run, by their positions among the degrees, have ratings.
std::vector<bool> present(const std::vector<EdgeOffset>& degree, const RowRange& ids) {
  std::vector<bool> kept(as_index(ids.size()));
  for (std::size_t id = 0; id < kept.size(); ++id) kept[id] = degree[id + as_index(ids.begin)] > 0;
  return kept;
}

/// Ids from `begin` on, whose degrees these are, become those with ratings, from `first` on.
void renumber(std::vector<std::int32_t>& column, const std::vector<EdgeOffset>& degree,
              std::int64_t begin, std::int64_t first) {
  std::vector<std::int32_t> number(degree.size(), -1);
  auto next = static_cast<std::int32_t>(first);
  for (std::size_t id = 0; id < degree.size(); ++id)
    if (degree[id] > 0) number[id] = next++;
  for (std::int32_t& id : column) id = number[as_index(id - begin)];
}

}  // namespace

KCoreReport reduce_to_core(const Communicator& comm, RatingTable& table, IdShare& users,
                           IdShare& items, std::int64_t min_user_ratings,
                           std::int64_t min_item_ratings) {
  const auto count = [&] { return comm.all_reduce(table.size(), Reduction::kSum); };
  const KCoreReport before{users.size(), items.size(), count()};
  std::vector<EdgeOffset> user_degree;
  std::vector<EdgeOffset> item_degree;
  for (EdgeOffset removed = 1; removed > 0;) {
    user_degree = degrees(table.user, users.range());
    item_degree = degrees_everywhere(comm, table.item, items.size());
    std::vector<EdgeOffset> kept;
    kept.reserve(table.user.size());
    for (std::size_t row = 0; row < table.user.size(); ++row) {
      const bool stays =
          user_degree[as_index(table.user[row] - users.range().begin)] >= min_user_ratings &&
          item_degree[as_index(table.item[row])] >= min_item_ratings;
      if (stays) kept.push_back(static_cast<EdgeOffset>(row));
    }
    removed = comm.all_reduce(table.size() - std::ssize(kept), Reduction::kSum);
    if (removed > 0) table = select_rows(std::move(table), kept);
  }
  const std::int64_t first_user = users.range().begin;
  users = users.subset(comm, present(user_degree, {0, users.range().size()}));
  renumber(table.user, user_degree, first_user, users.range().begin);
  items = items.subset(comm, present(item_degree, items.range()));
  renumber(table.item, item_degree, 0, 0);
  return {before.removed_users - users.size(), before.removed_items - items.size(),
          before.removed_ratings - count()};
}

}  // namespace siren::inline ingest
