// SPDX-License-Identifier: Apache-2.0
#include "distributed/layout.hpp"

#include <algorithm>
#include <numeric>

#include "siren/check.hpp"

namespace siren::inline distributed {

Layout::Layout(const Partition& partition, int rank, int ranks, std::int64_t dimension,
               ColumnGroup columns)
    : rank_(rank),
      ranks_(ranks),
      dimension_(dimension),
      columns_(columns),
      all_users_(static_cast<std::int64_t>(partition.user_owner.size())),
      item_position_(partition.item_owner.size()),
      position_begin_(static_cast<std::size_t>(ranks) + 1, 0),
      user_counts_(static_cast<std::size_t>(ranks), 0) {
  for (std::size_t u = 0; u < partition.user_owner.size(); ++u) {
    ++user_counts_[static_cast<std::size_t>(partition.user_owner[u])];
    if (partition.user_owner[u] == rank) users_.push_back(static_cast<UserId>(u));
  }
  for (const std::int32_t owner : partition.item_owner)
    ++position_begin_[static_cast<std::size_t>(owner) + 1];
  std::partial_sum(position_begin_.begin(), position_begin_.end(), position_begin_.begin());
  std::vector<std::int32_t> next(position_begin_.begin(), position_begin_.end() - 1);
  for (std::size_t i = 0; i < partition.item_owner.size(); ++i) {
    const std::int32_t owner = partition.item_owner[i];
    item_position_[i] = next[static_cast<std::size_t>(owner)]++;
    if (owner == rank) items_.push_back(static_cast<ItemId>(i));
  }
}

NodeId Layout::node_of(LocalRow row) const {
  SIREN_ASSERT(row >= 0 && row < rows(), "row {} of {} owned", row, rows());
  if (is_user_row(row)) return users_[static_cast<std::size_t>(row)];
  return all_users_ + items_[static_cast<std::size_t>(row - users())];
}

RowAddress Layout::address_of_position(std::int32_t position) const {
  const auto after = std::upper_bound(position_begin_.begin(), position_begin_.end(), position);
  const auto owner = static_cast<std::int32_t>(after - position_begin_.begin()) - 1;
  return {owner, static_cast<LocalRow>(users_of(owner) + position - position_begin(owner))};
}

}  // namespace siren::inline distributed
