// SPDX-License-Identifier: Apache-2.0
// Elements by key, in their own order within a key: a counting sort, so that sums over the elements
// of a key need no atomics. Memory stays for the next time.
#pragma once

#include <cstdint>
#include <numeric>
#include <span>
#include <vector>

#include "siren/ids.hpp"

namespace siren::inline math {

class Grouping {
 public:
  /// keys [n], each in [0, groups).
  void sort(std::span<const std::int32_t> keys, std::int64_t groups) {
    offsets_.assign(as_index(groups) + 1, 0);
    for (const std::int32_t key : keys) ++offsets_[as_index(key) + 1];
    std::partial_sum(offsets_.begin(), offsets_.end(), offsets_.begin());
    next_.assign(offsets_.begin(), offsets_.end() - 1);
    members_.resize(keys.size());
    for (std::size_t n = 0; n < keys.size(); ++n)
      members_[as_index(next_[as_index(keys[n])]++)] = static_cast<std::int32_t>(n);
  }

  /// Elements by key [n]; those of a key begin at begin(key).
  std::span<const std::int32_t> members() const { return members_; }
  std::int64_t begin(std::int64_t key) const { return offsets_[as_index(key)]; }
  std::int64_t count(std::int64_t key) const {
    return offsets_[as_index(key) + 1] - offsets_[as_index(key)];
  }

 private:
  std::vector<std::int64_t> offsets_;  // [groups + 1]
  std::vector<std::int64_t> next_;     // [groups]
  std::vector<std::int32_t> members_;  // [n]
};

}  // namespace siren::inline math
