// SPDX-License-Identifier: Apache-2.0
#include "comm/large_exchange.hpp"

#include <vector>

#include <gmock/gmock.h>

namespace siren {
namespace {

TEST(LargeExchange, DeliversInRoundsWhatOneCallDelivers) {
  const Communicator comm = Communicator::world();
  std::vector<std::int64_t> counts;  // some ranks get nothing
  std::vector<std::int32_t> values;
  for (int to = 0; to < comm.size(); ++to) {
    counts.push_back((comm.rank() + to) % 3 * (5 + to));
    for (std::int64_t v = 0; v < counts.back(); ++v)
      values.push_back(static_cast<std::int32_t>(10000 * comm.rank() + 100 * to + v));
  }
  const Received<std::int32_t> wanted =
      comm.all_to_all_v(std::span<const std::int32_t>(values), counts);
  for (const std::int64_t most : {1, 7, 1000}) {
    const Received<std::int32_t> got =
        exchange_large(comm, std::span<const std::int32_t>(values), counts, most);
    EXPECT_EQ(got.values, wanted.values) << "at most " << most;
    EXPECT_EQ(got.counts, wanted.counts) << "at most " << most;
  }
}

}  // namespace
}  // namespace siren
