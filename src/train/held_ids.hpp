// SPDX-License-Identifier: Apache-2.0
// The original ids of a data set in memory, each rank a share of them, so that every checkpoint of a
// run gets the ids of the ratings it was trained on, whatever becomes of the data set file meanwhile.
// Memory: all ids' bytes and 8 B an id, over the ranks.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "data/dataset_file.hpp"
#include "siren/communicator.hpp"

namespace siren::inline train {

/// This rank's part of an array of `length` elements: those from `begin`.
template <class T>
struct ArrayShare {
  std::int64_t length = 0;
  std::int64_t begin = 0;
  std::vector<T> values;
};

class HeldIds {
 public:
  struct Side {
    ArrayShare<char> bytes;  // as in data/id_arrays.hpp
    ArrayShare<std::int64_t> offsets;
    bool numeric = false;
  };

  /// Every rank on its own: nothing is communicated.
  HeldIds(const Communicator& comm, const DatasetFile& dataset);

  const std::array<Side, 2>& sides() const { return sides_; }  // users, items
  /// Of memory on this rank.
  std::int64_t memory() const;
  /// The same on any of so many ranks, without reading the ids.
  static std::int64_t memory_on(const DatasetFile& dataset, int rank, int ranks);

 private:
  std::array<Side, 2> sides_;
};

}  // namespace siren::inline train
