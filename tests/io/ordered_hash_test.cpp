// SPDX-License-Identifier: Apache-2.0
#include "io/ordered_hash.hpp"

#include <numeric>
#include <vector>

#include <gmock/gmock.h>

namespace siren {
namespace {

TEST(OrderedHash, IsThatOfOneProcess) {
  const Communicator comm = Communicator::world();
  std::vector<std::int32_t> all(1000);  // more than the hash keeps back, and no multiple of it
  std::iota(all.begin(), all.end(), 0);
  OrderedHash alone(Communicator::alone());
  alone.add(std::span<const std::int32_t>(all));
  alone.add_alike(7);
  alone.add(std::span<const std::int32_t>(all).first(3));

  OrderedHash shared(comm);
  const auto share = [&](std::size_t size) {
    const auto at = [&](int rank) {
      return size * static_cast<std::size_t>(rank) / static_cast<std::size_t>(comm.size());
    };
    return std::span<const std::int32_t>(all).subspan(at(comm.rank()),
                                                      at(comm.rank() + 1) - at(comm.rank()));
  };
  shared.add(share(all.size()));
  shared.add_alike(7);
  shared.add(share(3));
  const std::string hex = shared.hex();
  EXPECT_EQ(hex, alone.hex());
  EXPECT_EQ(hex.size(), 32U);
}

TEST(OrderedHash, KnowsWhereArraysEnd) {
  const std::vector<char> bytes = {'a', 'b', 'c'};
  const auto cut_at = [&](std::size_t cut) {
    OrderedHash hash(Communicator::alone());
    hash.add(std::span<const char>(bytes).first(cut));
    hash.add(std::span<const char>(bytes).subspan(cut));
    return hash.hex();
  };
  EXPECT_NE(cut_at(1), cut_at(2));
}

}  // namespace
}  // namespace siren
