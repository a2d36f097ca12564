// SPDX-License-Identifier: Apache-2.0
// One checksum over what all ranks have, rank 0's bytes first, then those of rank 1, and so on: the
// same as if one process had hashed everything, whoever has what.
//
//   OrderedHash hash(comm);
//   hash.add(std::span<const float>(mine));    // of all ranks, in rank order
//   hash.add_alike(std::uint64_t{7});          // what every rank knows, once
//   const std::string hex = hash.hex();
//
// The state of the hash, 576 bytes, goes from rank to rank with the turn: XXH3 takes some ten
// gigabytes a second, which is more than ranks read or write, so that a tree of hashes would win
// nothing that matters and cost a second format.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "siren/communicator.hpp"

namespace siren::inline io {

/// XXH3 128. All calls are collective.
class OrderedHash {
 public:
  explicit OrderedHash(const Communicator& comm);
  ~OrderedHash();
  OrderedHash(const OrderedHash&) = delete;
  OrderedHash& operator=(const OrderedHash&) = delete;

  /// What this rank has of an array. Its length, that of all ranks together, goes first, so that no
  /// two different sequences of arrays look alike.
  template <class T>
  void add(std::span<const T> mine) {
    add_alike_raw(comm_.all_reduce(static_cast<std::uint64_t>(mine.size()), Reduction::kSum));
    add_bytes(mine.data(), mine.size_bytes());
  }
  /// A number that is the same on all ranks: as an array of one.
  void add_alike(std::uint64_t value);

  /// 32 digits, on every rank.
  std::string hex();

 private:
  struct State;

  void add_alike_raw(std::uint64_t value);
  void add_bytes(const void* data, std::size_t bytes);
  void take_turn();
  void pass_turn(int to);

  Communicator comm_;
  std::unique_ptr<State> state_;
};

}  // namespace siren::inline io
