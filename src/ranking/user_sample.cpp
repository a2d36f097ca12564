// SPDX-License-Identifier: Apache-2.0
#include "ranking/user_sample.hpp"

#include <algorithm>
#include <limits>

#include "core/rng.hpp"

namespace siren::inline ranking {

namespace {

std::uint64_t key_of(std::uint32_t seed, UserId user) {
  const RandomBlock bits =
      random_block(seed, Purpose::kEvaluatedUser, {low_word(user), high_word(user), 0, 0});
  return (std::uint64_t{bits[1]} << 32) | bits[0];
}

/// Collective. The least key that is not below `count` keys of all ranks; `keys` are sorted.
std::uint64_t last_key(const Communicator& comm, const std::vector<std::uint64_t>& keys,
                       std::int64_t count) {
  std::uint64_t low = 0;
  std::uint64_t high = std::numeric_limits<std::uint64_t>::max();
  while (low < high) {
    const std::uint64_t middle = low + (high - low) / 2;
    const std::int64_t mine = std::ranges::upper_bound(keys, middle) - keys.begin();
    if (comm.all_reduce(mine, Reduction::kSum) >= count)
      high = middle;
    else
      low = middle + 1;
  }
  return low;
}

}  // namespace

std::int64_t keep_sample(const Communicator& comm, std::uint32_t seed, std::int64_t count,
                         std::span<const UserId> owned, std::vector<LocalRow>& users) {
  const std::int64_t all = comm.all_reduce(std::ssize(users), Reduction::kSum);
  if (all <= count) return all;
  const auto key = [&](LocalRow user) { return key_of(seed, owned[as_index(user)]); };
  std::vector<std::uint64_t> keys(users.size());
  std::ranges::transform(users, keys.begin(), key);
  std::ranges::sort(keys);
  const std::uint64_t last = last_key(comm, keys, count);
  std::erase_if(users, [&](LocalRow user) { return key(user) > last; });
  return all;
}

}  // namespace siren::inline ranking
