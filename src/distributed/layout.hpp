// SPDX-License-Identifier: Apache-2.0
// Which rows and columns of the named matrices this rank stores: the one place that knows.
//
// Tables with a row per node (X, Y, their moments, Z) hold this rank's users, ascending, in local
// rows [0, users()) and its items, ascending, in [users(), rows()). Halo rows follow behind rows()
// where a table has them (distributed/adjacency.hpp). Columns [column_begin(), column_end()) of d are
// stored: those of this rank's column group, all of them as long as there is one group.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "distributed/partition.hpp"
#include "siren/ids.hpp"

namespace siren::inline distributed {

/// A row of some rank's tables.
struct RowAddress {
  std::int32_t rank;
  LocalRow row;
};

/// Ranks that share rows may divide their columns: group `index` of `count`.
struct ColumnGroup {
  int index = 0;
  int count = 1;
};

class Layout {
 public:
  Layout(const Partition& partition, int rank, int ranks, std::int64_t dimension,
         ColumnGroup columns = {});

  int rank() const { return rank_; }
  int ranks() const { return ranks_; }
  std::int64_t all_users() const { return all_users_; }
  std::int64_t all_items() const { return static_cast<std::int64_t>(item_position_.size()); }
  std::int64_t all_nodes() const { return all_users_ + all_items(); }

  std::int64_t dimension() const { return dimension_; }
  std::int64_t column_begin() const { return dimension_ * columns_.index / columns_.count; }
  std::int64_t column_end() const { return dimension_ * (columns_.index + 1) / columns_.count; }

  std::int64_t users() const { return static_cast<std::int64_t>(users_.size()); }
  std::int64_t items() const { return static_cast<std::int64_t>(items_.size()); }
  std::int64_t rows() const { return users() + items(); }
  std::span<const UserId> owned_users() const { return users_; }
  std::span<const ItemId> owned_items() const { return items_; }
  bool is_user_row(LocalRow row) const { return row < users(); }
  /// Global node of an owned row.
  NodeId node_of(LocalRow row) const;

  /// Items in partition order: rank 0's ascending, then rank 1's, ... Positions [0, N).
  std::int32_t item_position(ItemId item) const {
    return item_position_[static_cast<std::size_t>(item)];
  }
  std::int32_t position_begin(int rank) const {
    return position_begin_[static_cast<std::size_t>(rank)];
  }
  RowAddress address_of_position(std::int32_t position) const;
  RowAddress address_of_item(ItemId item) const { return address_of_position(item_position(item)); }
  /// Users owned by a rank = its first item row.
  std::int64_t users_of(int rank) const { return user_counts_[static_cast<std::size_t>(rank)]; }

 private:
  int rank_;
  int ranks_;
  std::int64_t dimension_;
  ColumnGroup columns_;
  std::int64_t all_users_;
  std::vector<UserId> users_;
  std::vector<ItemId> items_;
  std::vector<std::int32_t> item_position_;   // [N]: one of the O(N) arrays
  std::vector<std::int32_t> position_begin_;  // [ranks + 1]
  std::vector<std::int64_t> user_counts_;     // [ranks]
};

}  // namespace siren::inline distributed
