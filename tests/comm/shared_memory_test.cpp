// SPDX-License-Identifier: Apache-2.0
#include "comm/shared_memory.hpp"

#include <cstring>
#include <numeric>

#include <gtest/gtest.h>

namespace siren {
namespace {

/// Bytes of a rank's piece; one rank has none.
std::int64_t bytes_of(int rank) {
  return rank == 1 ? 0 : 100 + 1000 * rank;
}

std::byte value_of(int writer, int owner) {
  return static_cast<std::byte>(16 * writer + owner + 1);
}

TEST(SharedMemory, EveryRankWritesInEveryPiece) {
  const Communicator comm = Communicator::world();
  const SharedMemory memory(comm, bytes_of(comm.rank()));
  for (int owner = 0; owner < comm.size();
       ++owner)  // writer w's bytes of a piece: [20 w, 20 w + 20)
    if (bytes_of(owner) > 0)
      std::memset(memory.of(owner) + 20 * comm.rank(),
                  static_cast<int>(value_of(comm.rank(), owner)), 20);
  memory.sync();
  comm.barrier();
  memory.sync();
  for (int owner = 0; owner < comm.size(); ++owner)
    for (std::int64_t i = 0; i < (bytes_of(owner) > 0 ? 20 * comm.size() : 0); ++i)
      ASSERT_EQ(memory.of(owner)[i], value_of(static_cast<int>(i / 20), owner))
          << "byte " << i << " of the piece of rank " << owner;
}

TEST(SharedMemory, PiecesBeginAsZerosOnCacheLines) {
  const Communicator comm = Communicator::world();
  const SharedMemory memory(comm, bytes_of(comm.rank()));
  comm.barrier();
  for (int owner = 0; owner < comm.size(); ++owner) {
    if (bytes_of(owner) == 0) continue;
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory.of(owner)) % 64, 0U);
    EXPECT_EQ(std::accumulate(memory.of(owner), memory.of(owner) + bytes_of(owner), 0,
                              [](int sum, std::byte b) { return sum + static_cast<int>(b); }),
              0);
  }
  comm.barrier();  // nobody frees or writes before all have looked
}

TEST(SharedMemory, CanBeMadeAgainAndAgain) {
  const Communicator comm = Communicator::world();
  for (int round = 0; round < 20; ++round) {
    const SharedMemory memory(comm, 1 << 20);
    memory.of(comm.rank())[round] = std::byte{1};
    EXPECT_NE(memory.of(0), nullptr);
  }
}

}  // namespace
}  // namespace siren
