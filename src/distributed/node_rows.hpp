// SPDX-License-Identifier: Apache-2.0
// Where the ranks of a node leave rows for each other, so that no message has to carry them: each
// rank has an inbox, in which the owners put the halo rows, and a place for its sums of halo rows,
// from which the owners read. There are two of each, for rounds of expand and fold in turns:
//
//   round k      a user of rows writes its sums, tells the owners, waits for its inbox
//   round k + 1  an owner writes an inbox and tells of it only after reading the sums of round k
//
// so whoever writes for round k + 2 knows that round k has been read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "comm/shared_memory.hpp"
#include "siren/communicator.hpp"

namespace siren::inline distributed {

struct ExchangePlan;

class NodeRows {
 public:
  static constexpr std::int64_t kPlaces = 4;

  /// Collective. Peers are numbered as in plan.peers.
  NodeRows(const Communicator& comm, const ExchangePlan& plan, std::int64_t row_bytes);

  /// Whether peer i is another rank of this node.
  bool reaches(std::size_t i) const { return peers_[i].memory != nullptr; }
  bool reaches_all() const { return reaches_all_; }

  void begin_round() { odd_ = !odd_; }

  /// In peer i's inbox: its copies of this rank's rows.
  std::byte* inbox_of(std::size_t i) const { return peers_[i].rows(odd_); }
  /// Peer i's sums for this rank's rows.
  const std::byte* sums_of(std::size_t i) const { return peers_[i].rows(2 + odd_); }
  /// This rank's own, for all of its halo rows.
  std::byte* inbox() const { return mine_.rows(odd_); }
  std::byte* sums() const { return mine_.rows(2 + odd_); }

  void sync() const { memory_.sync(); }

  /// Of the memory of a rank with so many halo rows.
  static std::int64_t bytes(std::int64_t halo_rows, std::int64_t row_bytes) {
    return kPlaces * halo_rows * row_bytes;
  }

 private:
  /// Some of a rank's halo rows, in each of its four places.
  struct Place {
    std::byte* memory = nullptr;
    std::int64_t place_bytes = 0;
    std::int64_t begin_bytes = 0;
    std::byte* rows(int place) const { return memory + place * place_bytes + begin_bytes; }
  };

  SharedMemory memory_;
  std::vector<Place> peers_;  // [plan.peers]
  Place mine_;
  bool odd_ = false;
  bool reaches_all_ = true;
};

}  // namespace siren::inline distributed
