// SPDX-License-Identifier: Apache-2.0
// How many rows every rank sends to every other one, pair by pair: for plans.
#pragma once

#include <cstdint>
#include <vector>

#include "siren/ids.hpp"

namespace siren::inline distributed {

/// Of one expand; the fold that belongs to it sends as many rows the other way. Takes 4 B a pair.
class RowTraffic {
 public:
  explicit RowTraffic(int ranks) : ranks_(ranks), rows_(as_index(ranks) * as_index(ranks), 0) {}

  int ranks() const { return ranks_; }
  void add(int from, int to, std::int64_t rows = 1) {
    rows_[index(from, to)] += static_cast<std::uint32_t>(rows);
  }
  std::int64_t rows(int from, int to) const { return rows_[index(from, to)]; }

 private:
  std::size_t index(int from, int to) const {
    return as_index(from) * as_index(ranks_) + as_index(to);
  }

  int ranks_;
  std::vector<std::uint32_t> rows_;  // [ranks x ranks], senders first
};

}  // namespace siren::inline distributed
