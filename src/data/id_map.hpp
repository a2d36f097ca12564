// SPDX-License-Identifier: Apache-2.0
// Original ids (arbitrary strings) and their indices. While reading, ids are numbered as they
// appear; in a finished data set, index = rank of the id in sorted order: numerically if all ids
// are integers without leading zeros, else bytewise.
//
//   IdMap users;
//   const std::int32_t u = users.intern("alice");     // provisional
//   const SortedIds sorted = users.sort();            // sorted.rank[u] is final
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace siren::inline data {

/// Ids in index order, packed: id i is bytes[offsets[i], offsets[i + 1]).
class IdTable {
 public:
  IdTable() = default;
  /// `offsets` [size + 1], ascending from 0 to bytes.size(); ids sorted and distinct.
  IdTable(std::string bytes, std::vector<std::int64_t> offsets, bool numeric);

  std::int64_t size() const { return static_cast<std::int64_t>(offsets_.size()) - 1; }
  std::string_view at(std::int64_t index) const;
  /// The index of an id, by binary search.
  std::optional<std::int32_t> find(std::string_view id) const;

  bool numeric() const { return numeric_; }
  const std::string& bytes() const { return bytes_; }
  std::span<const std::int64_t> offsets() const { return offsets_; }

  /// The table of the ids `kept`, which ascend.
  IdTable subset(std::span<const std::int32_t> kept) const;

 private:
  std::string bytes_;
  std::vector<std::int64_t> offsets_{0};
  bool numeric_ = false;
};

struct SortedIds {
  IdTable table;
  std::vector<std::int32_t> rank;  // [provisional index] -> final index
};

class IdMap {
 public:
  IdMap();

  /// The provisional index of `id`, new or known; indices count from 0 in order of appearance.
  /// InputError beyond 2^31 - 1 ids.
  std::int32_t intern(std::string_view id);

  std::int64_t size() const { return static_cast<std::int64_t>(offsets_.size()) - 1; }
  std::string_view at(std::int64_t index) const;

  SortedIds sort() const;

 private:
  /// Tells most ids apart without a look at their bytes, which may be far away in memory.
  struct Slot {
    std::uint64_t word = 0;    // the id itself if it has at most 8 bytes, else its hash
    std::uint32_t length = 0;  // of the id
    std::int32_t index = -1;   // -1: free
  };
  static Slot make_slot(std::string_view id);
  std::size_t home_of(const Slot& slot) const;
  void grow();

  std::string bytes_;
  std::vector<std::int64_t> offsets_{0};
  std::vector<Slot> slots_;  // open addressing, power-of-two size, at most half full
};

/// InputError: 32 bits do not suffice.
[[noreturn]] void refuse_more_ids();

/// True for 0, 7, -12; false for "", 007, -0, +5, 1.5, a17.
bool is_plain_integer(std::string_view id);

/// Numeric order of two plain integers of any length.
bool integer_less(std::string_view a, std::string_view b);

}  // namespace siren::inline data
