// SPDX-License-Identifier: Apache-2.0
// The ids of a data set, shared out: each rank has a run of them in index order. Ids that ranks have
// collected on their own get common numbers here, the same for any number of ranks.
//
//   IdMap users;  ...                                        // of this rank's rows, provisional
//   const CommonIds common = number_together(comm, users, user_of_row);
//   common.number[users.intern("alice")]                     // final
//   common.share.at(common.share.range().begin)              // the first id that this rank keeps
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "data/id_map.hpp"
#include "siren/communicator.hpp"
#include "siren/ids.hpp"

namespace siren::inline data {

class IdShare {
 public:
  IdShare() = default;
  /// All ids of a data set.
  explicit IdShare(IdTable whole) : ids_(std::move(whole)), size_(ids_.size()) {}
  /// Ids [begin, begin + ids.size()) of `size`.
  IdShare(IdTable ids, std::int64_t begin, std::int64_t size)
      : ids_(std::move(ids)), begin_(begin), size_(size) {}

  /// Of all ranks.
  std::int64_t size() const { return size_; }
  RowRange range() const { return {begin_, begin_ + ids_.size()}; }
  bool numeric() const { return ids_.numeric(); }

  /// `index` lies in range().
  std::string_view at(std::int64_t index) const { return ids_.at(index - begin_); }
  /// Those of range().
  const IdTable& ids() const { return ids_; }

  /// Collective. Without those that are not `kept` [range().size()]; the others are renumbered in
  /// order.
  IdShare subset(const Communicator& comm, const std::vector<bool>& kept) const;

 private:
  IdTable ids_;
  std::int64_t begin_ = 0;
  std::int64_t size_ = 0;
};

struct CommonIds {
  IdShare share;
  std::vector<std::int32_t> number;  // [provisional index] -> final index
};

/// Collective. Final indices are ranks in sorted order (data/id_map.hpp) of the ids of all ranks.
/// `rows` holds a provisional index for each row of this rank: shares are of about as many rows, not
/// of as many ids, and one with a few busy ids is short. InputError beyond 2^31 - 1 ids.
CommonIds number_together(const Communicator& comm, const IdMap& ids,
                          std::span<const std::int32_t> rows);

/// Sum of `value` over the ranks before this one. Collective.
std::int64_t sum_before(const Communicator& comm, std::int64_t value);

}  // namespace siren::inline data
